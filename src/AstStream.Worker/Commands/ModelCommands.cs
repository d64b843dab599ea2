using System.CommandLine;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using AstStream.Connectors;
using AstStream.Dsp;
using AstStream.Model;
using Spectre.Console;

namespace AstStream.Worker.Commands;

/// <summary>classify, features, model info.</summary>
internal static class ModelCommands
{
    private static readonly JsonWriterOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static IEnumerable<Command> All(string defaultModel)
    {
        var model = new Option<string>("--model") { Description = "A Hugging Face AST folder; the default model where it is not given.", HelpName = "DIR", DefaultValueFactory = _ => defaultModel };
        yield return Classify(model);
        yield return Features(model);

        var folder = new Argument<string>("DIR") { Description = "A Hugging Face AST folder.", DefaultValueFactory = _ => defaultModel };
        var info = Help.Add(new Command("info", "Shows a checkpoint's configuration, labels and cost.") { folder }, """
            Example:
              aststream model info pipelines/models/ast-esc50
            """);
        info.SetAction(result => ShowInfo(result.GetValue(folder)!));
        yield return Help.Add(new Command("model", "Works with checkpoints.") { info }, """
            Example:
              aststream model info pipelines/models/ast-esc50
            """);
    }

    private static Command Classify(Option<string> model)
    {
        var files = new Argument<string[]>("FILE") { Description = "WAV files.", Arity = ArgumentArity.OneOrMore };
        files.Validators.Add(r =>
        {
            foreach (var token in r.Tokens.Where(t => t.Value.StartsWith('-') && !File.Exists(t.Value)))
                r.AddError($"{token.Value}: there is no such option, and no such file");
        });
        var topK = new Option<int>("--top-k") { Description = "Labels to show, 1 or more.", HelpName = "N", DefaultValueFactory = _ => 5 };
        topK.Validators.Add(r =>
        {
            if (r.Tokens.Any(t => !int.TryParse(t.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var n) || n < 1))
                r.AddError("--top-k: expected a whole number of 1 or more");
        });
        var apply = new Option<string>("--function-to-apply") { Description = "How logits become scores; auto as the checkpoint says, none gives the logits.", DefaultValueFactory = _ => "auto" };
        apply.AcceptOnlyFromAmong("auto", "sigmoid", "softmax", "none");
        var json = new Option<bool>("--json") { Description = "One JSON line a file." };
        var command = Help.Add(new Command("classify", "Classifies clips.") { files, model, topK, apply, json }, $"""
            One window a clip, as transformers' audio-classification pipeline answers: a clip longer than the model's window is cut,
            a shorter one padded.

            Examples:
              aststream classify clip.wav
              aststream classify *.wav --top-k 1 --json

            {ExitCode.Help}
            """);
        command.SetAction(result =>
            Classify(result.GetValue(files)!, result.GetValue(model)!, result.GetValue(topK), result.GetValue(apply)!, result.GetValue(json)));
        return command;
    }

    private static Command Features(Option<string> model)
    {
        var file = new Argument<string>("FILE") { Description = "A WAV file." };
        var output = new Option<string>("--out") { Description = "The NumPy file to write.", HelpName = "F.npy", Required = true };
        var raw = new Option<bool>("--raw") { Description = "The whole file's log-mel frames, neither cut nor padded nor normalised." };
        var command = Help.Add(new Command("features", "Writes what the model is given, as a NumPy file.") { file, output, raw, model }, """
            float32: the extractor's input_values, [max_length, num_mel_bins], or with --raw the log-mel, [frames, num_mel_bins].

            Examples:
              aststream features clip.wav --out input_values.npy
              aststream features clip.wav --out fbank.npy --raw
            """);
        command.SetAction(result =>
        {
            var path = result.GetValue(output)!;
            using var checkpoint = AstCheckpoint.Open(result.GetValue(model)!);
            var extractor = new ClipFeatures(checkpoint);
            var bins = checkpoint.Config.NumMelBins;
            var frames = extractor.ReadFrames(result.GetValue(file)!, result.GetValue(raw) ? long.MaxValue : checkpoint.Config.MaxLength);
            var values = frames;
            if (!result.GetValue(raw))
                extractor.Normalize(frames, values = new float[checkpoint.Config.MaxLength * bins]);
            try
            {
                NpyFile.Write(path, values, values.Length / bins, bins);
                return ExitCode.Ok;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
            {
                Errors.Write($"--out {path}: can't be written: {e.Message}");
                return ExitCode.Failed;
            }
        });
        return command;
    }

    private static int Classify(string[] files, string model, int topK, string apply, bool json)
    {
        using var checkpoint = AstCheckpoint.Open(model);
        using var session = AstSession.Create(checkpoint, new AstSessionOptions { BatchSizes = files.Length >= 8 ? [1, 8] : [1] });
        var activation = apply switch
        {
            "sigmoid" => ScoreActivation.Sigmoid,
            "softmax" => ScoreActivation.Softmax,
            "none" => ScoreActivation.None,
            _ => checkpoint.Config.DefaultActivation,
        };
        var extractor = new ClipFeatures(checkpoint);
        var failed = 0;
        var batch = new List<string>();
        using var progress = new ProgressLine("classifying", files.Length);
        void Flush()
        {
            if (batch.Count == 0)
                return;
            session.Run(batch.Count);
            for (var row = 0; row < batch.Count; row++)
            {
                var scores = session.Logits(row).ToArray();
                activation.Apply(scores);
                progress.Clear();
                WriteResult(batch[row], scores, checkpoint.Config.Labels, topK, json);
            }

            batch.Clear();
        }

        foreach (var file in files)
        {
            try
            {
                var frames = extractor.ReadFrames(file, checkpoint.Config.MaxLength);
                var row = session.Input(batch.Count);
                frames.CopyTo(row);
                row[frames.Length..].Clear();
                batch.Add(file);
            }
            catch (InvalidAudioException e)
            {
                progress.Clear();
                Errors.Write(e.Message);
                failed++;
            }

            if (batch.Count == session.MaxBatch)
                Flush();
            progress.Step();
        }

        Flush();
        return failed > 0 ? ExitCode.InputsFailed : ExitCode.Ok;
    }

    private static void WriteResult(string file, float[] scores, IReadOnlyList<string> labels, int topK, bool json)
    {
        // Equal scores keep the labels' order, so that the answer is always the same.
        var top = Enumerable.Range(0, scores.Length).OrderByDescending(i => scores[i]).Take(topK);
        if (json)
        {
            using var memory = new MemoryStream();
            using (var writer = new Utf8JsonWriter(memory, s_json))
            {
                writer.WriteStartObject();
                writer.WriteString("file", file);
                writer.WriteStartArray("results");
                foreach (var i in top)
                {
                    writer.WriteStartObject();
                    writer.WriteString("label", labels[i]);
                    writer.WriteNumber("score", scores[i]);
                    writer.WriteEndObject();
                }

                writer.WriteEndArray();
                writer.WriteEndObject();
            }

            Console.Out.WriteLine(System.Text.Encoding.UTF8.GetString(memory.GetBuffer(), 0, (int)memory.Length));
            return;
        }

        Console.Out.WriteLine(file);
        foreach (var i in top)
            Console.Out.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {scores[i],8:0.0000}  {labels[i]}"));
    }

    private static int ShowInfo(string folder)
    {
        using var checkpoint = AstCheckpoint.Open(folder);
        var config = checkpoint.Config;
        var window = FbankOptions.NumSamples(config.MaxLength) / (double)FbankOptions.SampleRate;
        (string, string)[] rows =
        [
            ("folder", checkpoint.Folder),
            ("hidden_size", $"{config.HiddenSize}"),
            ("num_hidden_layers", $"{config.NumHiddenLayers}"),
            ("num_attention_heads", $"{config.NumAttentionHeads}"),
            ("intermediate_size", $"{config.IntermediateSize}"),
            ("layer_norm_eps", config.LayerNormEps.ToString("0.#e0", CultureInfo.InvariantCulture)),
            ("patch_size, strides", $"{config.PatchSize}, {config.FrequencyStride} (frequency), {config.TimeStride} (time)"),
            ("window", FormattableString.Invariant($"{config.MaxLength} frames of {config.NumMelBins} mel bins, {window} s")),
            ("mean, std", FormattableString.Invariant($"{checkpoint.Extractor.Mean}, {checkpoint.Extractor.Std}{(checkpoint.Extractor.DoNormalize ? "" : " (not applied)")}")),
            ("tokens", $"{config.Tokens} ({config.FrequencyPatches} × {config.TimePatches} patches + 2)"),
            ("parameters", string.Create(CultureInfo.InvariantCulture, $"{checkpoint.Parameters:N0} in {checkpoint.TensorCount} tensors, {checkpoint.DTypes}")),
            ("cost", FormattableString.Invariant($"{config.MacsPerWindow / 1e9:0.000} GMAC per window")),
            ("scores", $"{config.DefaultActivation.ToString().ToLowerInvariant()} (problem_type {config.ProblemType ?? "not given"})"),
            ("labels", $"{config.Labels.Count}: {string.Join(", ", config.Labels)}"),
            ("sha256", checkpoint.Hash),
        ];
        if (Console.IsOutputRedirected)
        {
            foreach (var (name, value) in rows)
                Console.Out.WriteLine($"{name,-20} {value}");
            return ExitCode.Ok;
        }

        var table = new Table { Border = TableBorder.Rounded, ShowHeaders = false }.AddColumns("", "");
        foreach (var (name, value) in rows)
            table.AddRow(Markup.Escape(name), Markup.Escape(value));
        AnsiConsole.Write(table);
        return ExitCode.Ok;
    }
}
