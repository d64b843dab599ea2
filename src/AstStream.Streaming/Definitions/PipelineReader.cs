using AstStream.Streaming.Sinks;
using YamlDotNet.RepresentationModel;

namespace AstStream.Streaming.Definitions;

/// <summary>Reads a pipeline definition from its file: every section by its keys, then what must hold between them.</summary>
internal static class PipelineReader
{
    /// <summary>Reads a definition; what is wrong is among the problems, and the rest is there all the same.</summary>
    /// <param name="path">The YAML file.</param>
    /// <param name="overrides">key=value settings laid over it.</param>
    /// <param name="catalog">The types of sources and sinks.</param>
    /// <param name="problems">Receives what is wrong.</param>
    /// <exception cref="InvalidPipelineException">The file can't be read at all.</exception>
    public static PipelineDefinition Read(
        string path, IReadOnlyList<string> overrides, ComponentCatalog catalog, ConfigProblems problems)
    {
        var file = PipelineFile.Load(path, overrides, problems);
        var root = new SectionReader(file, file.Root, "", [.. PipelineKeys.Root, .. catalog.Sections.Select(s => s.Key)]);
        var others = ReadSections(root, catalog);
        var namedSinks = NamedSection.Of(file, root, PipelineKeys.Sinks);
        var sinks = ReadSinks(file, namedSinks, catalog);
        if (!root.Has(PipelineKeys.Sinks) && others.Count == 0)
            file.Problem(root.Node, $"the pipeline: key '{PipelineKeys.Sinks.Name}' is missing: {PipelineKeys.Sinks.Doc}");
        var isForSound = others.Count == 0 && sinks.Count > 0 && sinks.All(s => IsForSound(s.Definition.Options));
        var sections = isForSound ? NoModel(root) : ModelSections(file, root);
        var passesAudio = sinks.Any(s => s.Definition.Options.Audio);
        var audio = AudioGraph.Read(file, root, [.. sections.Select(s => (s.Name, s.Model))], passesAudio, catalog);
        CheckNames(file, audio.Names, sections, namedSinks, [.. others.Select(o => o.Definition.Name)]);
        var lanes = root.Get(PipelineKeys.Lanes);
        var pipeline = new PipelineDefinition(
            path, [.. sections.Select(s => ModelDefinition.Read(s.Name, s.Model, s.Events))], audio.Sources,
            [.. sinks.Select(s => s.Definition)], lanes > 0 ? lanes : Math.Clamp(Environment.ProcessorCount, 1, 8))
        {
            Sections = [.. others.Select(o => o.Definition)],
        };
        var held = new HeldResources(file);
        foreach (var (name, settings, section) in audio.Sections)
        {
            held.Add(name, isSource: true, settings.Resources, section);
            Check(settings, section, pipeline);
        }

        foreach (var (sink, section) in sinks)
        {
            held.Add(sink.Name, isSource: false, sink.Settings.Resources, section);
            Check(sink.Settings, section, pipeline);
            foreach (var model in (sink.Options.Models ?? []).Where(m => sections.All(s => s.Name != m)))
                section.Problem(
                    PipelineKeys.SinkModels, $"there is no model '{model}'{Nearest.Hint(model, [.. sections.Select(s => s.Name)])}");
        }

        foreach (var (definition, section) in others)
        {
            held.Add(definition.Name, isSource: false, definition.Settings.Resources, section);
            foreach (var (key, message) in definition.Settings.Check(pipeline))
                section.Problem(key, message);
        }

        return pipeline;
    }

    private static List<(SectionDefinition Definition, SectionReader Section)> ReadSections(SectionReader root, ComponentCatalog catalog)
    {
        var read = new List<(SectionDefinition, SectionReader)>();
        foreach (var type in catalog.Sections)
        {
            if (root.Get(type.Key) is { } section)
                read.Add((new SectionDefinition(type.Name, type.Read(section), section.Fingerprint(), section.Places), section));
        }

        return read;
    }

    private static bool IsForSound(SinkOptions options) => options is { Audio: true, Events: false, Coverage: false, Scores: false };

    private static void Check(ComponentSettings settings, SectionReader section, PipelineDefinition pipeline)
    {
        foreach (var (key, message) in settings.Check(pipeline))
            section.Problem(key, message);
    }

    private static List<(SinkDefinition Definition, SectionReader Section)> ReadSinks(
        PipelineFile file, List<NamedSection> sinks, ComponentCatalog catalog)
    {
        var read = new List<(SinkDefinition, SectionReader)>();
        var types = catalog.Sinks.ToDictionary(t => t.Type, StringComparer.Ordinal);
        foreach (var sink in sinks)
        {
            var path = $"sinks.{sink.Name}";
            if (sink.TypeOf(file, path, types) is not { } type)
                continue;
            var section = new SectionReader(file, sink.Value, path, [PipelineKeys.Type, .. type.Keys, .. PipelineKeys.SinkKeys]);
            foreach (var record in section.Get(PipelineKeys.Records).Except(type.Records))
                section.Problem(
                    PipelineKeys.Records, $"a sink of type {type.Type} can't take {record}; expected {string.Join(", ", type.Records)}");
            var options = SinkDefinition.ReadOptions(section);
            var settings = type.Read(section, options);
            read.Add((new SinkDefinition(sink.Name, settings, options, section.Fingerprint(), section.Places), section));
        }

        return read;
    }

    /// <summary>A name stands for one thing.</summary>
    private static void CheckNames(
        PipelineFile file, IReadOnlySet<string> audio, List<(string Name, SectionReader Model, SectionReader Events)> models,
        List<NamedSection> sinks, IReadOnlyList<string> others)
    {
        foreach (var (name, section, _) in models.Where(m => audio.Contains(m.Name)))
            file.Problem(section.Node, $"{section.Name}: a source or transform has this name already");
        foreach (var sink in sinks)
        {
            if (audio.Contains(sink.Name))
                file.Problem(sink.Key, $"sinks.{sink.Name}: a source or transform has this name already");
            if (models.Any(m => m.Name == sink.Name))
                file.Problem(sink.Key, $"sinks.{sink.Name}: a model has this name already");
            if (others.Contains(sink.Name))
                file.Problem(sink.Key, $"sinks.{sink.Name}: the section '{sink.Name}' stands for a sink of this name");
        }
    }

    /// <summary>Where sound is only passed on, nothing scores it.</summary>
    private static List<(string Name, SectionReader Model, SectionReader Events)> NoModel(SectionReader root)
    {
        foreach (var key in (Key[])[PipelineKeys.Model, PipelineKeys.Models, PipelineKeys.Events])
        {
            if (root.Has(key))
                root.Problem(
                    key, "is of no use: every sink takes audio and nothing else; remove it, or add a sink for what the model hears");
        }

        return [];
    }

    /// <summary>The sections `model` and `events`, or those under `models`.</summary>
    private static List<(string Name, SectionReader Model, SectionReader Events)> ModelSections(PipelineFile file, SectionReader root)
    {
        var empty = new YamlMappingNode();
        if (!root.Has(PipelineKeys.Models))
        {
            return [("model", new SectionReader(file, root.Get(PipelineKeys.Model) ?? empty, "model", PipelineKeys.ModelSection),
                new SectionReader(file, root.Get(PipelineKeys.Events) ?? empty, "events", EventDefinition.All))];
        }

        foreach (var key in (Key[])[PipelineKeys.Model, PipelineKeys.Events])
        {
            if (root.Has(key))
                root.Problem(key, "stands beside 'models'; expected it under one of them");
        }

        var sections = new List<(string, SectionReader, SectionReader)>();
        foreach (var (name, _, value) in NamedSection.Of(file, root, PipelineKeys.Models))
        {
            var model = new SectionReader(file, value, $"models.{name}", [.. PipelineKeys.ModelSection, PipelineKeys.ModelEvents]);
            sections.Add(
                (name, model,
                new SectionReader(file, model.Get(PipelineKeys.ModelEvents) ?? empty, $"models.{name}.events", EventDefinition.All)));
        }

        return sections;
    }
}
