using System.CommandLine;
using System.Globalization;
using System.Text;
using AstStream.Connectors.Hub;
using AstStream.Dsp;
using AstStream.Model.Checkpoints;
using AstStream.Model.Import;
using AstStream.Model.Runtime;
using AstStream.Streaming.Pipelines;
using Spectre.Console;

namespace AstStream.Worker.Commands;

/// <summary>model info, import, average, promote.</summary>
internal static class ModelCommands
{
    private const string AudioSetHeader = "index,mid,display_name";
    public static IEnumerable<Command> All(PipelineHost host)
    {
        var model = new Command(
            "model", "Works with checkpoints.") { Info(host.DefaultModel), Import(), Average(), PromoteCommand.Make(host) };
        yield return Help.Add(model, """
            Examples:
              aststream model info pipelines/models/ast-audioset-tiny
              aststream model import hf://MIT/ast-finetuned-audioset-10-10-0.4593 --to models/audioset
              aststream model average epoch3 epoch4 epoch5 --to models/averaged
              aststream model promote pipeline.yaml
            """);
    }

    private static Command Info(string defaultModel)
    {
        var folder = new Argument<string>("DIR") { Description = "A Hugging Face AST folder.", DefaultValueFactory = _ => defaultModel };
        var window = new WindowFlags();
        var info = Help.Add(new Command("info", "Shows a checkpoint's configuration, labels and cost.") { folder }, """
            With another window, tokens and cost stand as they are and as they would be.

            Examples:
              aststream model info pipelines/models/ast-audioset-tiny
              aststream model info models/audioset --window 2.56s --frequency-stride 16 --time-stride 16
            """);
        window.AddTo(info);
        info.SetAction(result => ShowInfo(result.GetValue(folder)!, config => window.Read(result, config)));
        return info;
    }

    private static Command Import()
    {
        var source = new Argument<string>("SOURCE")
        {
            Description = "A Hugging Face folder, a file of weights alone (.pth, .bin, "
            + ".safetensors), or hf://OWNER/NAME[@REVISION]."
        };
        var to = Target();
        var heads = new Option<int?>(
            "--num-attention-heads")
        { Description = "Of a file: attention heads; heads of 64 (12 in AST-base).", HelpName = "N" };
        var frequency = new Option<int?>("--frequency-stride") { Description = "Of a file: mel bins between patches.", HelpName = "N" };
        var time = new Option<int?>("--time-stride") { Description = "Of a file: frames between patches.", HelpName = "N" };
        var length = new Option<int?>("--max-length") { Description = "Of a file: frames of a window.", HelpName = "N" };
        var bins = new Option<int?>("--num-mel-bins") { Description = "Of a file: mel bins of a frame.", HelpName = "N" };
        var labels = new Option<string?>("--labels")
        {
            Description = "Of a file: a text file, one label a line, in the order of the "
            + "logits, or AudioSet's class_labels_indices.csv; LABEL_0 and so on without it.",
            HelpName = "FILE"
        };
        var problem = new Option<string?>("--problem-type")
        { Description = "Of a file: multi_label_classification (with 527 labels, AudioSet's), or single_label_classification." };
        ExecutionFlags.OneOf(problem, "multi_label_classification", "single_label_classification");
        var known = string.Join(", ", ExtractorConfig.Known.Select(
            k => string.Create(CultureInfo.InvariantCulture, $"{k.Key} ({k.Value.Mean} and {k.Value.Std})")));
        var statistics = new Option<string?>(
            "--statistics")
        { Description = $"Of a file: the training data's mean and std by name: {known}." };
        ExecutionFlags.OneOf(statistics, [.. ExtractorConfig.Known.Keys]);
        var mean = new Option<float?>("--mean") { Description = "Of a file: the training data's mean log-mel.", HelpName = "X" };
        var std = new Option<float?>("--std") { Description = "Of a file: its standard deviation.", HelpName = "X" };
        foreach (
            var (option, max) in (ReadOnlySpan<(Option, int)>)[(heads, 1024), (frequency, 256), (time, 1024), (length, 65536), (bins, 256)])
            ExecutionFlags.Validate(option, 1, max);
        Option[] authors = [heads, frequency, time, length, bins, labels, problem, statistics, mean, std];
        var command = Help.Add(
            new Command("import", "Brings a checkpoint into a Hugging Face folder that AstStream and transformers open.") { source, to },
            $"""
            Writes config.json, preprocessor_config.json and model.safetensors, and parity.json with the logits of a built-in sound, which
            every later start is compared with. Nothing that a checkpoint holds is ever executed. Downloads use the cache of
            huggingface_hub, go on where they were cut, and are checked; HF_ENDPOINT, HF_TOKEN and HF_HUB_OFFLINE are honoured.

            Of a file of weights alone the shapes tell most. What they do not tell, the flags do; what is assumed is printed, and where
            published models of two forms have the same shapes, you are asked.

            Examples:
              aststream model import hf://MIT/ast-finetuned-audioset-10-10-0.4593 --to models/audioset
              aststream model import ./my-finetuned-ast --to models/mine
              aststream model import audioset_16_16_0.4422.pth --to models/fast --frequency-stride 16 --time-stride 16
              aststream model import speechcommands_10_10_0.9812.pth --to models/words --max-length 128 --statistics speech-commands

            {ExitCode.Help}
            """);
        foreach (var option in authors)
            command.Add(option);
        command.SetAction(async (result, cancellation) =>
        {
            var data = result.GetValue(statistics) is { } name ? ExtractorConfig.Known[name] : null;
            var options = new AuthorsOptions
            {
                NumAttentionHeads = result.GetValue(heads),
                FrequencyStride = result.GetValue(frequency),
                TimeStride = result.GetValue(time),
                MaxLength = result.GetValue(length),
                NumMelBins = result.GetValue(bins),
                Labels = result.GetValue(labels) is { } file ? ReadLabels(file) : null,
                ProblemType = result.GetValue(problem),
                Mean = result.GetValue(mean) ?? data?.Mean,
                Std = result.GetValue(std) ?? data?.Std,
            };
            var flags = authors.Where(o => result.GetResult(o) is not null).Select(o => o.Name).ToList();
            return await ImportAsync(result.GetValue(source)!, result.GetValue(to)!, options, flags, cancellation).ConfigureAwait(false);
        });
        return command;
    }

    private static Command Average()
    {
        var sources = new Argument<string[]>(
            "DIR")
        { Description = "Two or more checkpoint folders of one architecture.", Arity = ArgumentArity.OneOrMore };
        sources.Validators.Add(r =>
        {
            if (r.Tokens.Select(t => Path.GetFullPath(Path.TrimEndingDirectorySeparator(t.Value))).Distinct().Count() is var different
                && (different < 2 || different < r.Tokens.Count))
                r.AddError($"found {r.Tokens.Count} checkpoints, {different} of them different; expected two or more, each once");
        });
        var to = Target();
        var command = Help.Add(new Command("average", "Averages the weights of several checkpoints into one.") { sources, to }, $"""
            What the AST's authors do with the last epochs of one training. To average the scores of different models instead, give them to
            a pipeline, as model.ensemble.

            Example:
              aststream model average epoch3 epoch4 epoch5 --to models/averaged

            {ExitCode.Help}
            """);
        command.SetAction(result =>
        {
            var target = result.GetValue(to)!;
            var opened = new List<AstCheckpoint>();
            try
            {
                foreach (var source in result.GetValue(sources)!)
                    opened.Add(AstCheckpoint.Open(source));
                using var progress = new WriteProgress();
                CheckpointImport.Average(opened, target, AstSessionOptions.DefaultCacheFolder, progress);
            }
            finally
            {
                foreach (var checkpoint in opened)
                    checkpoint.Dispose();
            }

            return Written(target);
        });
        return command;
    }

    private static Option<string> Target() =>
        new("--to") { Description = "The folder to write; it must not exist yet, or be empty.", HelpName = "DIR", Required = true };

    private static async Task<int> ImportAsync(
        string source, string target, AuthorsOptions options, List<string> flags, CancellationToken cancellation)
    {
        CheckpointImport.CheckTarget(target);
        var isFile = File.Exists(source);
        var isHub = HubReference.IsMeant(source);
        if (!isFile && !isHub && !Directory.Exists(source))
            throw new InvalidCheckpointException($"{source}: there is no such file or folder{HubReference.Hint(source)}");
        if (flags.Count > 0 && (!isFile || HasConfig(source)))
            throw new InvalidCheckpointException(
                $"{string.Join(", ", flags)}: only for a .pth file, or other weights alone; {source} brings a config.json of its own");
        if (isHub)
            source = await DownloadAsync(HubReference.Parse(source), cancellation).ConfigureAwait(false);
        using var checkpoint = isFile && !HasConfig(source) ? AstCheckpoint.OpenAuthors(source, options) : AstCheckpoint.Open(source);
        Warn(checkpoint);
        if (isFile && !HasConfig(source) && options.Labels is null)
            Errors.Warn($"{source}: has no label names, so they are {checkpoint.Config.Labels[0]} to {checkpoint.Config.Labels[^1]}; "
                + $"--labels FILE gives them");
        using var progress = new WriteProgress();
        CheckpointImport.Import(checkpoint, target, AstSessionOptions.DefaultCacheFolder, progress);
        var code = Written(target);
        foreach (var assumed in checkpoint.Assumptions)
            Terminal.Line($"  assumed: {assumed}");
        return code;
    }

    /// <summary>Tells what was assumed about a checkpoint, chosen or left out.</summary>
    public static void Warn(AstCheckpoint checkpoint)
    {
        foreach (var warning in checkpoint.Warnings)
            Errors.Warn(warning);
    }

    /// <summary>Whether a file of weights is part of a folder that says what it is.</summary>
    private static bool HasConfig(string file) =>
        file.EndsWith(".safetensors", StringComparison.Ordinal) && File.Exists(
            Path.Combine(Path.GetDirectoryName(Path.GetFullPath(file))!, "config.json"));

    private static async Task<string> DownloadAsync(HubReference reference, CancellationToken cancellation)
    {
        using var progress = new DownloadProgress();
        using var client = new HubClient(HubOptions.FromEnvironment() with
        {
            OnRetry = message =>
            {
                progress.Clear();
                Errors.Warn(message);
            },
        });
        return await client.DownloadAsync(reference, progress, cancellation).ConfigureAwait(false);
    }

    private static int Written(string folder)
    {
        using var checkpoint = AstCheckpoint.Open(folder);
        var config = checkpoint.Config;
        Terminal.Line(string.Create(
            CultureInfo.InvariantCulture,
            $"{folder}: {checkpoint.Parameters:N0} parameters in {checkpoint.DTypes}, {config.Labels.Count} labels, "
                + $"{config.MaxLength / 100.0:0.##} s windows, {config.MacsPerWindow / 1e9:0.###} GMAC each"));
        return ExitCode.Ok;
    }

    private static List<string> ReadLabels(string file)
    {
        try
        {
            // AudioSet's own list is a table of index, identifier and name.
            var lines = File.ReadAllLines(file, new UTF8Encoding(false, throwOnInvalidBytes: true));
            var labels = (
                lines is [AudioSetHeader, ..]
                ? lines.Skip(1).Select(l => l.Split(',', 3)[^1].Trim().Trim('"')) : lines.Select(l => l.Trim())).ToList();
            while (labels is [.., ""])
                labels.RemoveAt(labels.Count - 1);
            if (labels.IndexOf("") is var empty and >= 0)
                throw new InvalidCheckpointException($"{file}:{empty + 1}: is empty; expected a label on each line");
            if (labels.FindIndex(l => l.Any(char.IsControl)) is var odd and >= 0)
                throw new InvalidCheckpointException($"{file}:{odd + 1}: holds a control character; expected a label on each line");
            if (labels.GroupBy(l => l).FirstOrDefault(g => g.Count() > 1) is { } twice)
                throw new InvalidCheckpointException($"{file}: '{twice.Key}' stands {twice.Count()} times; expected each label once");
            return labels;
        }
        catch (DecoderFallbackException)
        {
            throw new InvalidCheckpointException($"--labels {file}: is not valid UTF-8; expected a text file");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new InvalidCheckpointException($"--labels {file}: can't be read: {e.Message}");
        }
    }

    private static int ShowInfo(string folder, Func<AstConfig, AstConfig> fit)
    {
        using var checkpoint = AstCheckpoint.OpenForOutputs(folder);
        Warn(checkpoint);
        var config = checkpoint.Config;
        var other = fit(config);
        string Both(Func<AstConfig, string> show) => show(config) == show(other) ? show(config) : $"{show(config)} → {show(other)}";
        (string, string)[] rows =
        [
            ("folder", checkpoint.Folder),
            ("hidden_size", $"{config.HiddenSize}"),
            ("num_hidden_layers", $"{config.NumHiddenLayers}"),
            ("num_attention_heads", $"{config.NumAttentionHeads}"),
            ("intermediate_size", $"{config.IntermediateSize}"),
            ("layer_norm_eps", config.LayerNormEps.ToString("0.#e0", CultureInfo.InvariantCulture)),
            ("patch_size, strides", Both(c => $"{c.PatchSize}, {c.FrequencyStride} (frequency), {c.TimeStride} (time)")),
            ("window", Both(
                c => string.Create(
                    CultureInfo.InvariantCulture,
                    $"{c.MaxLength} frames ({c.MaxLength / 100.0:0.##}s) of {c.NumMelBins} mel bins, from "
                        + $"{FbankOptions.NumSamples(c.MaxLength) / (double)FbankOptions.SampleRate} s of sound"))),
            ("mean, std",
                FormattableString.Invariant(
                    $"{checkpoint.Extractor.Mean}, {checkpoint.Extractor.Std}")
                    + (checkpoint.Extractor.DoNormalize ? "" : " (not applied)")),
            ("tokens", Both(c => $"{c.Tokens} ({c.FrequencyPatches} × {c.TimePatches} patches + 2)")),
            ("parameters", string.Create(
                CultureInfo.InvariantCulture, $"{checkpoint.Parameters:N0} in {checkpoint.TensorCount} tensors, {checkpoint.DTypes}")),
            ("cost", Both(c => FormattableString.Invariant($"{c.MacsPerWindow / 1e9:0.000} GMAC per window"))),
            ("hidden_act", config.HiddenAct.ToString()),
            ("scores", !checkpoint.HasHead ? "none: it has no classifier" : $"{config.DefaultActivation.Word()} (problem_type "
                + $"{config.ProblemType ?? "not given"})"),
            ("thresholds", checkpoint.Thresholds is { } own
                ? string.Join(", ", config.Labels.Zip(own).Where(t => !float.IsNaN(t.Second))
                .Select(t => FormattableString.Invariant($"{t.First} {t.Second:0.##}"))) : "0.5 (no thresholds.json)"),
            ("localiser", config.Localiser is { } localiser ? $"{localiser.Groups.Count} groups of labels" : "none"),
            ("labels", $"{config.Labels.Count}: {string.Join(", ", config.Labels)}"),
            ("views", checkpoint.Views.Count == 0 ? "none (no views.json)" : string.Join(", ", checkpoint.Views.Values
                .OrderBy(v => v.Name, StringComparer.Ordinal)
                .Select(v => $"{v.Name} ({v.Labels.Count} {(v.HasOwnClasses ? "classes" : "labels")})"))),
            ("sha256", checkpoint.Hash),
        ];
        if (Console.IsOutputRedirected)
        {
            foreach (var (name, value) in rows)
                Terminal.Line($"{name,-20} {value}");
            return ExitCode.Ok;
        }

        var table = new Table { Border = TableBorder.Rounded, ShowHeaders = false }.AddColumns("", "");
        foreach (var (name, value) in rows)
            table.AddRow(Terminal.Cell(name), Terminal.Cell(value));
        Terminal.Table(table);
        return ExitCode.Ok;
    }

    private sealed class WriteProgress : IProgress<double>, IDisposable
    {
        private const int Steps = 100;
        private readonly ProgressLine _line = new("writing", Steps);

        public void Report(double value) => _line.Report((long)(value * Steps));

        public void Dispose() => _line.Dispose();
    }

    private sealed class DownloadProgress : IProgress<HubProgress>, IDisposable
    {
        private ProgressLine? _line;
        private string _file = "";

        public void Report(HubProgress value)
        {
            if (value.File != _file)
            {
                _line?.Dispose();
                _file = value.File;
                _line = new ProgressLine(value.File, value.Total);
            }

            _line!.Report(value.Bytes);
        }

        public void Clear() => _line?.Clear();

        public void Dispose() => _line?.Dispose();
    }
}
