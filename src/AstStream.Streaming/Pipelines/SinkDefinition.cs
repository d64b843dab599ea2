using AstStream.Streaming.Sinks;
using YamlDotNet.RepresentationModel;

namespace AstStream.Streaming.Pipelines;

/// <summary>A sink as a definition says it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Sink">The sink itself.</param>
/// <param name="Options">What it gets and what happens when it fails.</param>
/// <param name="Fingerprint">Equal for definitions that say the same.</param>
internal sealed record SinkDefinition(string Name, ISink Sink, SinkOptions Options, string Fingerprint)
{
    private const string AudioWord = "audio";

    /// <summary>
    /// Which sinks take sound, before anything is checked: whether any does, and whether all take nothing else, so that no model is needed.
    /// </summary>
    public static (bool Any, bool All) TakeAudio(SectionReader root)
    {
        var records = (root.Get(PipelineKeys.Sinks) as YamlMappingNode)?.Children.Values.OfType<YamlMappingNode>()
            .Select(s => s.Children.FirstOrDefault(c => c.Key is YamlScalarNode { Value: "records" }).Value)
            .Select(r => r is YamlSequenceNode list
                ? list.Children.OfType<YamlScalarNode>().Select(n => n.Value).ToList() : [(r as YamlScalarNode)?.Value])
            .ToList() ?? [];
        return (records.Any(r => r.Contains(AudioWord)), records.Count > 0 && records.All(r => r is [AudioWord]));
    }

    /// <summary>Reads and checks the sinks of a definition.</summary>
    /// <param name="file">The definition.</param>
    /// <param name="root">Its root.</param>
    /// <param name="catalog">The types.</param>
    /// <param name="audio">The sources, whose names and files a sink must not take.</param>
    /// <param name="models">The models' names, with their labels where they are known.</param>
    public static List<SinkDefinition> ReadAll(
        PipelineFile file, SectionReader root, ComponentCatalog catalog, AudioGraph audio,
        IReadOnlyDictionary<string, IReadOnlyList<string>?> models)
    {
        var sinks = new List<SinkDefinition>();
        var singles = new Dictionary<ComponentType, string>();
        var writers = new Dictionary<string, string>(StringComparer.Ordinal);
        var taken = audio.Names;
        var types = catalog.Sinks.ToDictionary(t => t.Type, StringComparer.Ordinal);
        foreach (var (name, key, value) in AudioGraph.Components(file, root, PipelineKeys.Sinks, "sinks"))
        {
            if (taken.Contains(name))
                file.Problem(key, $"sinks.{name}: a source or transform has this name already");
            if (models.ContainsKey(name))
                file.Problem(key, $"sinks.{name}: a model has this name already");
            if (AudioGraph.TypeOf(file, value, $"sinks.{name}", types) is not { } type)
                continue;
            var section = new SectionReader(file, value, $"sinks.{name}", [PipelineKeys.Type, .. type.Keys, .. PipelineKeys.SinkKeys]);
            foreach (var record in section.Get(PipelineKeys.Records).Except(type.Records))
                section.Problem(
                    PipelineKeys.Records, $"a sink of type {type.Type} can't take {record}; expected {string.Join(", ", type.Records)}");
            sinks.Add(new SinkDefinition(name, type.Create(section), ReadOptions(section, models), section.Fingerprint));
            if (type.IsSingle && !singles.TryAdd(type, name))
                file.Problem(value, $"sinks.{name}: only one sink can be of type {type.Type}, and '{singles[type]}' is");
            if (type.Writes(section) is not { } path)
                continue;
            if (!writers.TryAdd(path, name))
                file.Problem(value, $"sinks.{name}: writes to {path}, as sink '{writers[path]}' does; give each its own");
            if (path == PipelineFile.RealPath(file.FullPath))
                file.Problem(value, $"sinks.{name}: writes to this very file");
            if (audio.Reads.TryGetValue(path, out var source))
                file.Problem(value, $"sinks.{name}: writes to {path}, which source '{source}' reads");
        }

        return sinks;
    }

    private static SinkOptions ReadOptions(SectionReader section, IReadOnlyDictionary<string, IReadOnlyList<string>?> models)
    {
        var records = section.Get(PipelineKeys.Records);
        var options = new SinkOptions
        {
            Models = section.Get(PipelineKeys.SinkModels),
            Labels = section.Get(PipelineKeys.SinkLabels),
            Streams = section.Get(PipelineKeys.SinkStreams),
            MinScore = section.Get(PipelineKeys.MinScore) ?? 0,
            Events = records.Contains("events"),
            Coverage = records.Contains("coverage"),
            Scores = records.Contains("scores"),
            Audio = records.Contains(AudioWord),
            Buffer = section.Get(PipelineKeys.Buffer),
            StopsRun = section.Get(PipelineKeys.OnFailure) == "stop",
            DropsNewest = section.Get(PipelineKeys.WhenFull) == "drop_newest",
        };
        if (section.Get(PipelineKeys.RetryFor) is { } retryFor)
            options = options with { RetryFor = retryFor };
        foreach (var model in (options.Models ?? []).Where(m => !models.ContainsKey(m)))
            section.Problem(PipelineKeys.SinkModels, $"there is no model '{model}'{Nearest.Hint(model, [.. models.Keys])}");

        // Where a checkpoint is broken, its labels are not known, and that is reported already.
        var heard = models.Where(m => options.Models?.Contains(m.Key) != false).Select(m => m.Value).ToList();
        if (!heard.Contains(null))
        {
            List<string> labels = [.. heard.SelectMany(l => l!).Distinct()];
            foreach (var label in (options.Labels ?? []).Where(l => !labels.Contains(l)))
                section.Problem(PipelineKeys.SinkLabels, $"no model has the label '{label}'{Nearest.Hint(label, labels)}");
        }

        return options;
    }
}
