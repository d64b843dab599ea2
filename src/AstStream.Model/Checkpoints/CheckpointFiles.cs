using System.Globalization;

namespace AstStream.Model.Checkpoints;

/// <summary>Where a checkpoint's files lie: in the folder that is named, or where transformers' Trainer and other tools put them.</summary>
internal sealed record CheckpointFiles
{
    public const string BinFile = "pytorch_model.bin";
    public const string Index = ".index.json";

    private const string Step = "checkpoint-"; // a Trainer's folder of one step
    private const string ProcessorFile = "processor_config.json"; // as ProcessorMixin of transformers 5 writes it
    private const string AdapterFile = "adapter_config.json";
    private const string LoneEnding = ".safetensors";

    /// <summary>The folder of the weights and of config.json.</summary>
    public required string Folder { get; init; }

    /// <summary>The extractor's numbers.</summary>
    public required string Extractor { get; init; }

    /// <summary>The weights, or the index of their shards.</summary>
    public required string Weights { get; init; }

    /// <summary>What was chosen where there was a choice.</summary>
    public required IReadOnlyList<string> Notes { get; init; }

    public string Config => Path.Combine(Folder, CheckpointFolder.ConfigFile);

    public string Thresholds => Path.Combine(Folder, CheckpointFolder.ThresholdsFile);

    public string Views => Path.Combine(Folder, CheckpointFolder.ViewsFile);

    public bool IsSharded => Weights.EndsWith(Index, StringComparison.Ordinal);

    /// <summary>What holds for these very weights, as far as it is there: thresholds, views, and the thresholds of views.</summary>
    public IEnumerable<string> Beside => ((string[])[Thresholds, Views]).Concat(
        Directory.EnumerateFiles(Folder, Path.ChangeExtension(CheckpointFolder.ThresholdsFile, ".*.json"))).Where(File.Exists);

    /// <summary>Where the thresholds of a view with classes of its own lie.</summary>
    public string ThresholdsOf(string view) => Path.ChangeExtension(Thresholds, $".{view}.json");

    /// <summary>Finds a checkpoint's files.</summary>
    /// <param name="named">A folder, or the .safetensors file in one.</param>
    /// <exception cref="InvalidCheckpointException">Something is missing.</exception>
    public static CheckpointFiles Find(string named)
    {
        if (File.Exists(named))
        {
            var beside = Path.GetDirectoryName(Path.GetFullPath(named))!;
            if (!named.EndsWith(LoneEnding, StringComparison.Ordinal) || !File.Exists(Path.Combine(beside, CheckpointFolder.ConfigFile)))
            {
                var without = named.EndsWith(LoneEnding, StringComparison.Ordinal)
                    ? $" without a {CheckpointFolder.ConfigFile} beside it"
                    : "";
                throw new InvalidCheckpointException($"{named}: is a file{without}; {AstCheckpoint.Expected}. "
                    + $"What a file's shapes tell, aststream model import FILE --to DIR makes into one");
            }

            return new CheckpointFiles
            {
                Folder = beside,
                Extractor = FindExtractor(
                beside),
                Weights = Path.GetFullPath(named),
                Notes = []
            };
        }

        if (!Directory.Exists(named))
            throw new InvalidCheckpointException(AstCheckpoint.NoFolder(named));
        var (folder, weights, notes) = (named, FindWeights(named), new List<string>());
        if (File.Exists(
            Path.Combine(named, AdapterFile)) && (weights is null || !File.Exists(Path.Combine(named, CheckpointFolder.ConfigFile))))
            throw new InvalidCheckpointException($"{named}: holds an adapter of PEFT (LoRA and the like), which is no model by itself: "
                + $"merge it into the one that it was trained on with model.merge_and_unload().save_pretrained(DIR), and give that folder");

        // What a Trainer leaves while it trains: folders of its steps, and perhaps nothing else.
        if (weights is null && Steps(named) is { Count: > 0 } steps)
        {
            (folder, weights) = (steps[^1], FindWeights(steps[^1]));
            notes.Add($"{named}: a training's folder; taken is its last step, "
                + $"{Path.GetFileName(folder)}{(steps.Count > 1 ? $", of {steps.Count}; another one is taken by its own path" : "")}");
        }

        if (!File.Exists(Path.Combine(folder, CheckpointFolder.ConfigFile)))
            throw new InvalidCheckpointException(
                $"{Path.Combine(folder, CheckpointFolder.ConfigFile)}: no such file; {There(folder)}; {AstCheckpoint.Expected}");
        if (weights is null)
            throw new InvalidCheckpointException($"{folder}: no {CheckpointFolder.WeightsFile} and no {BinFile}, whole or as shards with "
                + $"{CheckpointFolder.WeightsFile}{Index}; {There(folder)}; {AstCheckpoint.Expected}");
        return new CheckpointFiles { Folder = folder, Extractor = FindExtractor(folder), Weights = weights, Notes = notes };
    }

    private static string? FindWeights(string folder)
    {
        foreach (var name in (string[])[CheckpointFolder.WeightsFile, BinFile])
        {
            if (((string[])[name, name + Index]).Select(n => Path.Combine(folder, n)).FirstOrDefault(File.Exists) is { } path)
                return path;
        }

        // One by another name, where there is no doubt which.
        var lone = Directory.EnumerateFiles(
            folder, "*" + LoneEnding).Where(f => !Path.GetFileName(f).StartsWith("adapter_", StringComparison.Ordinal)).Take(2).ToList();
        return lone.Count == 1 ? lone[0] : null;
    }

    /// <summary>The extractor's numbers: in the folder, or, of a Trainer's step, in the training's folder.</summary>
    private static string FindExtractor(string folder)
    {
        List<string> folders = [folder];
        if (Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)).StartsWith(Step, StringComparison.Ordinal))
            folders.Add(Path.Combine(folder, ".."));
        return folders.SelectMany(
            f => ((string[])[CheckpointFolder.ExtractorFile, ProcessorFile]).Select(n => Path.Combine(f, n))).FirstOrDefault(File.Exists)
            ?? throw new InvalidCheckpointException($"{Path.Combine(folder, CheckpointFolder.ExtractorFile)}: no such file, and no "
                + $"{ProcessorFile}, which tell the mean and std of the training data. "
                + $"ASTFeatureExtractor.from_pretrained(…).save_pretrained({folder}) writes it");
    }

    /// <summary>A training's steps, the last one last.</summary>
    private static List<string> Steps(string folder) =>
    [
        .. Directory.EnumerateDirectories(folder, Step + "*")
            .Select(d => (Path: d, Number: long.TryParse(
                Path.GetFileName(d)[Step.Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? n : -1))
            .Where(d => d.Number >= 0 && FindWeights(d.Path) is not null).OrderBy(d => d.Number).Select(d => d.Path),
    ];

    /// <summary>What there is, for who wonders what is missing.</summary>
    private static string There(string folder)
    {
        const int most = 6;
        var names = Directory.EnumerateFileSystemEntries(
            folder).Select(p => Path.GetFileName(p)!).Order(StringComparer.Ordinal).Take(most + 1).ToList();
        return names.Count == 0
            ? "the folder is empty"
            : $"found {string.Join(", ", names.Take(most))}{(names.Count > most ? " and more" : "")}";
    }
}
