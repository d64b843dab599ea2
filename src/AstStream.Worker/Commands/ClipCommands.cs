using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using AstStream.Connectors.Files;
using AstStream.Dsp;
using AstStream.Events.Json;
using AstStream.Learning;
using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;
using AstStream.Model.Runtime;

namespace AstStream.Worker.Commands;

/// <summary>classify, features, outputs: what the model makes of single clips.</summary>
internal static class ClipCommands
{
    private static readonly Dictionary<string, AstOutputs> s_outputs = new(StringComparer.Ordinal)
    {
        ["logits"] = AstOutputs.Logits,
        ["pooler_output"] = AstOutputs.PoolerOutput,
        ["last_hidden_state"] = AstOutputs.LastHiddenState,
        ["hidden_states"] = AstOutputs.HiddenStates,
        ["attentions"] = AstOutputs.Attentions,
        ["columns"] = AstOutputs.Columns,
    };

    public static IEnumerable<Command> All(string defaultModel)
    {
        var model = new Option<string>(
            "--model")
        {
            Description = "A Hugging Face AST folder; the default model where it is not given.",
            HelpName = "DIR",
            DefaultValueFactory = _ => defaultModel
        };
        yield return Classify(model);
        yield return Features(model);
        yield return Outputs(model);
    }

    private static Command Classify(Option<string> model)
    {
        var files = new Argument<string[]>(
            "FILE")
        {
            Description = "Files of sound: WAV, and any other format where ffmpeg is installed.",
            Arity = ArgumentArity.OneOrMore
        };
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
        var apply = new Option<string>(
            "--function-to-apply")
        {
            Description = "How logits become scores; auto as the checkpoint says, none gives the logits.",
            DefaultValueFactory = _ => "auto"
        };
        ExecutionFlags.OneOf(apply, "auto", "sigmoid", "softmax", "none");
        var json = new Option<bool>("--json") { Description = "One JSON line an answer." };
        var all = new Option<bool>(
            "--all")
        { Description = "Answers for the whole clip, window by window; the last one ends where the clip ends." };
        var view = ViewFlag.Make();
        var flags = new ExecutionFlags(hasGraph: true);
        var command = Help.Add(new Command("classify", "Classifies clips.") { files, model, view, topK, apply, json, all }, $"""
            One window a clip: a clip longer than the model's window is cut, which is said, a shorter one padded. With --all a long
            clip has an answer for every window. Scores are as the checkpoint says: sigmoid where labels may sound together
            (problem_type multi_label_classification, AudioSet), else softmax over all labels. Several channels are mixed to their
            mean. transformers' pipeline takes softmax for all models with more than one label unless its function_to_apply says
            otherwise, and no more than two channels; else the scores are the same.

            Examples:
              aststream classify clip.wav
              aststream classify *.wav --top-k 1 --json
              aststream classify clip.wav --precision int8
              aststream classify hour.flac --all --json
              aststream classify clip.wav --view alarms

            {ExitCode.Help}
            """);
        flags.AddTo(command);
        command.SetAction((result, stop) => ClassifyAsync(
            result.GetValue(files)!, () => ViewFlag.Open(result.GetValue(model)!, result.GetValue(view)), result.GetValue(topK),
            result.GetValue(apply)!, result.GetValue(json), result.GetValue(all), config => flags.Read(result, config), stop));
        return command;
    }

    private static Command Features(Option<string> model)
    {
        var file = new Argument<string>("FILE") { Description = "A file of sound." };
        var output = new Option<string>("--out") { Description = "The NumPy file to write.", HelpName = "F.npy", Required = true };
        var raw = new Option<bool>("--raw") { Description = "The whole file's log-mel frames, neither cut nor padded nor normalised." };
        var command = Help.Add(new Command("features", "Writes what the model is given, as a NumPy file.") { file, output, raw, model }, """
            float32: the extractor's input_values, [max_length, num_mel_bins], or with --raw the log-mel, [frames, num_mel_bins].

            Examples:
              aststream features clip.wav --out input_values.npy
              aststream features clip.wav --out fbank.npy --raw
            """);
        command.SetAction(async (result, stop) =>
        {
            var path = result.GetValue(output)!;
            using var checkpoint = AstCheckpoint.OpenForOutputs(result.GetValue(model)!);
            ModelCommands.Warn(checkpoint);
            var extractor = new ClipFeatures(checkpoint, Errors.Warn);
            await using var sound = await AudioFile.OpenAsync(result.GetValue(file)!, stop: stop).ConfigureAwait(false);
            var bins = checkpoint.Config.NumMelBins;
            var clip = extractor.Read(
                sound, result.GetValue(file)!, result.GetValue(raw) ? long.MaxValue : checkpoint.Config.MaxLength);
            var frames = clip.Frames;
            var values = frames;
            if (clip.IsCut)
                Errors.Note(Longer(result.GetValue(file)!, checkpoint.Config, "features are of its beginning; --raw gives all of it"));
            if (!result.GetValue(raw))
                extractor.Normalize(frames, values = new float[checkpoint.Config.MaxLength * bins]);
            try
            {
                NpyFile.Write(path, values, values.Length / bins, bins);
                return Whole(clip);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
            {
                Errors.Write($"--out {path}: can't be written: {e.Message}");
                return ExitCode.Failed;
            }
        });
        return command;
    }

    private static Command Outputs(Option<string> model)
    {
        var file = new Argument<string>("FILE") { Description = "A file of sound." };
        var to = new Option<string>("--to") { Description = "The folder to write NAME.npy to.", HelpName = "DIR", Required = true };
        var names = new Option<string[]>(
            "--output")
        {
            Description = string.Join(", ", s_outputs.Keys),
            HelpName = "NAME",
            DefaultValueFactory = _ => ["pooler_output"],
            AllowMultipleArgumentsPerToken = true
        };
        ExecutionFlags.OneOf(names, [.. s_outputs.Keys]);
        var flags = new ExecutionFlags(hasGraph: true);
        var command = Help.Add(
            new Command("outputs", "Writes what the model gives for a clip, as NumPy files: embeddings, hidden states, attentions.")
            {
                file, to, names, model,
            },
            $"""
            Names and shapes are transformers' own, without the batch: logits [labels], pooler_output [hidden_size], last_hidden_state
            [tokens, hidden_size], hidden_states [layers + 1, tokens, hidden_size], attentions [layers, heads, tokens, tokens].
            attentions take --attention eager. Of a checkpoint with a localiser, columns [columns, groups] are its logits: where in the
            window the labels of each group sound, if they do.

            Examples:
              aststream outputs clip.wav --to out --output pooler_output
              aststream outputs clip.wav --to out --output attentions --attention eager

            {ExitCode.Help}
            """);
        flags.AddTo(command);
        command.SetAction(async (result, stop) =>
        {
            var folder = result.GetValue(to)!;
            var wanted = result.GetValue(names)!.Distinct().ToList();
            using var checkpoint = AstCheckpoint.OpenForOutputs(result.GetValue(model)!);
            if (!checkpoint.HasHead && wanted.Contains("logits"))
                throw new InvalidCheckpointException($"{checkpoint.Folder}: has no classifier (ASTModel), so no logits; its other outputs "
                    + $"are {string.Join(", ", s_outputs.Keys.Where(k => k != "logits"))}");
            var outputs = wanted.Aggregate(AstOutputs.Logits, (all, name) => all | s_outputs[name]);
            using var session = Open(checkpoint, flags.Read(result, checkpoint.Config) with { BatchSizes = [1], Outputs = outputs });
            await using var sound = await AudioFile.OpenAsync(result.GetValue(file)!, stop: stop).ConfigureAwait(false);
            var clip = new ClipFeatures(checkpoint, Errors.Warn).Read(sound, result.GetValue(file)!, session.Config.MaxLength);
            ClipFeatures.Fill(clip.Frames, session.Input(0));
            if (clip.IsCut)
                Errors.Note(Longer(result.GetValue(file)!, session.Config, "outputs are of its beginning"));
            RunModel(() => session.Run(1));
            try
            {
                Directory.CreateDirectory(folder);
                foreach (var name in wanted)
                    NpyFile.Write(Path.Combine(folder, name + ".npy"), session.Read(s_outputs[name], 0, out var shape), shape);
                return Whole(clip);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Errors.Write($"--to {folder}: can't be written: {e.Message}");
                return ExitCode.Failed;
            }
        });
        return command;
    }

    private static string Longer(string file, AstConfig config, string what) =>
        string.Create(
            CultureInfo.InvariantCulture, $"{file}: is longer than the model's window of {config.MaxLength / 100.0:0.##} s: {what}");

    /// <summary>The exit code for a clip, which may not be whole; then that is reported.</summary>
    private static int Whole(Clip clip)
    {
        if (clip.Problem is null)
            return ExitCode.Ok;
        Errors.Write(clip.Problem);
        return ExitCode.InputsFailed;
    }

    /// <summary>A model that fails while it runs is a run that failed, not a wrong command.</summary>
    private static void RunModel(Action run)
    {
        try
        {
            run();
        }
        catch (Exception e) when (e is ModelExecutionException or InvalidCheckpointException)
        {
            throw new IOException(e.Message, e);
        }
    }

    private static AstSession Open(AstCheckpoint checkpoint, AstSessionOptions options)
    {
        var session = AstSession.Create(checkpoint, options);
        foreach (var warning in session.Warnings)
            Errors.Warn(warning);
        return session;
    }

    private static async Task<int> ClassifyAsync(
        string[] files, Func<AstCheckpoint> open, int topK, string apply, bool json, bool all,
        Func<AstConfig, AstSessionOptions> options, CancellationToken stop)
    {
        using var checkpoint = open();
        using var session = Open(checkpoint, options(checkpoint.Config) with { BatchSizes = files.Length >= 4 || all ? [1, 4] : [1] });
        var activation = apply switch
        {
            "sigmoid" => ScoreActivation.Sigmoid,
            "softmax" => ScoreActivation.Softmax,
            "none" => ScoreActivation.None,
            _ => checkpoint.Config.DefaultActivation,
        };
        var extractor = new ClipFeatures(checkpoint, Errors.Warn);
        var failed = 0;
        using var progress = new ProgressLine("classifying", files.Length);
        var batch = new ClipBatch<(string File, double? Start, double End)>(session, (answer, logits) =>
        {
            var scores = logits.ToArray();
            activation.Apply(scores);
            progress.Clear();
            WriteResult(answer.File, answer.Start, answer.End, scores, checkpoint.Config.Labels, topK, json);
        });

        void Add(string file, Clip clip)
        {
            if (clip.Frames.Length > 0)
            {
                var end = (clip.Start + (clip.Frames.Length / checkpoint.Config.NumMelBins)) / 100.0;
                RunModel(() => batch.Add((file, all ? clip.Start / 100.0 : null, end), clip));
            }

            if (clip.IsCut)
                Errors.Note(Longer(file, session.Config, "its beginning is classified; --all answers window by window"));
            if ((clip.Problem ?? (clip.Frames.Length > 0 ? null : ClipFeatures.TooShort(file))) is not { } problem)
                return;
            progress.Clear();
            Errors.Write(problem);
            failed++;
        }

        foreach (var file in files)
        {
            try
            {
                await using var sound = await AudioFile.OpenAsync(file, stop: stop).ConfigureAwait(false);
                if (!all)
                {
                    Add(file, extractor.Read(sound, file, session.Config.MaxLength));
                }
                else
                {
                    foreach (var clip in extractor.ReadAll(sound, file, session.Config.MaxLength))
                        Add(file, clip);
                }
            }
            catch (InvalidAudioException e)
            {
                progress.Clear();
                Errors.Write(e.Message);
                failed++;
            }

            progress.Step();
        }

        RunModel(batch.Flush);
        return failed > 0 ? ExitCode.InputsFailed : ExitCode.Ok;
    }

    private static void WriteResult(
        string file, double? start, double end, float[] scores, IReadOnlyList<string> labels, int topK, bool json)
    {
        // Equal scores keep the labels' order, so that the answer is always the same.
        var top = Enumerable.Range(0, scores.Length).OrderByDescending(i => scores[i]).Take(topK);
        if (json)
        {
            using var memory = new MemoryStream();
            using (var writer = new Utf8JsonWriter(memory, JsonText.Options))
            {
                writer.WriteStartObject();
                writer.WriteString("file", file);
                if (start is { } from)
                {
                    writer.WriteNumber("start", from);
                    writer.WriteNumber("end", end);
                }

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

            Terminal.Line(System.Text.Encoding.UTF8.GetString(memory.GetBuffer(), 0, (int)memory.Length));
            return;
        }

        Terminal.Line(start is { } begin ? string.Create(CultureInfo.InvariantCulture, $"{file}  {begin:0.00} to {end:0.00} s") : file);
        foreach (var i in top)
            Terminal.Line(string.Create(CultureInfo.InvariantCulture, $"  {scores[i],8:0.0000}  {labels[i]}"));
    }
}
