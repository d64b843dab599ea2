using AstStream.Model.Checkpoints;
using AstStream.Streaming.Telemetry;
using YamlDotNet.RepresentationModel;

namespace AstStream.Streaming.Pipelines;

/// <summary>A pipeline definition that was read and checked, and its checkpoints.</summary>
public sealed class Pipeline : IDisposable
{
    private readonly bool _ownsModels;

    private Pipeline(
        string path, PipelineHost host, IReadOnlyList<ModelDefinition> models, AudioGraph audio, IReadOnlyList<SinkDefinition> sinks,
        int lanes, bool ownsModels)
    {
        (Path, Host, Models, Sources, Sinks, Lanes) = (path, host, models, audio.Sources, sinks, lanes);
        _ownsModels = ownsModels;
    }

    /// <summary>The models that it runs: those of all its model sections and ensembles.</summary>
    public IReadOnlyList<AstCheckpoint> Checkpoints => [.. Models.SelectMany(m => m.Model.Checkpoints)];

    internal string Path { get; }

    internal PipelineHost Host { get; }

    internal IReadOnlyList<ModelDefinition> Models { get; }

    /// <summary>How many sources it has.</summary>
    public int SourceCount => Sources.Count;

    internal IReadOnlyList<SourceDefinition> Sources { get; }

    internal IReadOnlyList<SinkDefinition> Sinks { get; }

    /// <summary>Lanes for live streams, and as many for others.</summary>
    internal int Lanes { get; }

    /// <summary>Reads and checks a definition and opens its checkpoints; nothing else is opened yet.</summary>
    /// <param name="path">The YAML file.</param>
    /// <param name="overrides">key=value settings laid over it.</param>
    /// <param name="host">The types, the default model, the clock.</param>
    /// <exception cref="InvalidPipelineException">The definition is wrong; all problems at once.</exception>
    /// <exception cref="InvalidCheckpointException">A checkpoint is.</exception>
    public static Pipeline Load(string path, IReadOnlyList<string> overrides, PipelineHost host) =>
        Load(path, overrides, host, running: null);

    /// <summary>
    /// As <see cref="Load(string, IReadOnlyList{string}, PipelineHost)"/>; models that a running pipeline has open already are that one's.
    /// </summary>
    internal static Pipeline Load(string path, IReadOnlyList<string> overrides, PipelineHost host, Pipeline? running)
    {
        var file = PipelineFile.Load(path, overrides);
        var root = new SectionReader(file, file.Root, "", PipelineKeys.Root);
        var takesAudio = SinkDefinition.TakeAudio(root);
        var sections = takesAudio.All ? NoModel(root) : ModelSections(file, root);
        var audio = AudioGraph.Read(file, root, [.. sections.Select(s => (s.Name, s.Model))], takesAudio.Any, host.Catalog);

        // Problems of the checkpoints and of the definition are reported together where both are known.
        var opened = new List<ModelSection>();
        var models = new List<ModelDefinition>();
        var labels = new Dictionary<string, IReadOnlyList<string>?>(StringComparer.Ordinal);
        InvalidCheckpointException? broken = null;
        try
        {
            foreach (var (name, section, events) in sections)
            {
                if (audio.Names.Contains(name))
                    file.Problem(section.Node, $"{section.Name}: a source or transform has this name already");
                labels[name] = null;
                try
                {
                    var model = running?.Models.FirstOrDefault(
                        m => m.Model.Name == name && m.Model.Fingerprint == section.Fingerprint)?.Model;
                    if (running is { Models.Count: 0 })
                    {
                        file.Problem(section.Node, $"{section.Name}: models can't be added while it runs; restart for that");
                        continue;
                    }

                    if (model is null && running is not null)
                    {
                        file.Problem(
                            section.Node,
                            $"{section.Name}: what a model is and how it runs can't be changed while it runs; restart for that");
                        model = running.Models[0].Model; // to check the rest of the definition by
                    }

                    if (model is null)
                        opened.Add(model = ModelSection.Read(name, section, host.DefaultModel));
                    labels[name] = model.Labels;
                    models.Add(new ModelDefinition(model, EventSection.Read(events, model)));
                    if (model.Window.NumMelBins != models[0].Model.Window.NumMelBins)
                        section.Problem(
                            PipelineKeys.ModelPath,
                            $"takes {model.Window.NumMelBins} mel bins, '{models[0].Model.Name}' {models[0].Model.Window.NumMelBins}; the "
                                + $"models of one pipeline share their features and need the same number");
                }
                catch (InvalidCheckpointException e)
                {
                    broken ??= e;
                }
            }

            var sinks = SinkDefinition.ReadAll(file, root, host.Catalog, audio, labels);
            file.ThrowIfAny();
            if (broken is not null)
                throw broken;
            var lanes = root.Get(PipelineKeys.Lanes) is > 0 and var given ? given : Math.Clamp(Environment.ProcessorCount, 1, 8);
            return new Pipeline(path, host, models, audio, sinks, lanes, ownsModels: running is null);
        }
        catch
        {
            foreach (var model in opened)
                model.Dispose();
            throw;
        }
    }

    /// <summary>Makes the graph. A pipeline makes one in its life.</summary>
    /// <param name="report">Counts what the run does.</param>
    /// <param name="stop">Asks the sources to end, so that everything drains.</param>
    public PipelineRun Build(RunReport report, CancellationToken stop) => new(this, report, stop);

    /// <summary>Closes the checkpoints.</summary>
    public void Dispose()
    {
        if (!_ownsModels)
            return;
        foreach (var model in Models)
            model.Model.Dispose();
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
                new SectionReader(file, root.Get(PipelineKeys.Events) ?? empty, "events", EventSection.All))];
        }

        foreach (var key in (Key[])[PipelineKeys.Model, PipelineKeys.Events])
        {
            if (root.Has(key))
                root.Problem(key, "stands beside 'models'; expected it under one of them");
        }

        var sections = new List<(string, SectionReader, SectionReader)>();
        foreach (var (name, _, value) in AudioGraph.Components(file, root, PipelineKeys.Models, "models"))
        {
            var model = new SectionReader(file, value, $"models.{name}", [.. PipelineKeys.ModelSection, PipelineKeys.ModelEvents]);
            sections.Add(
                (name, model,
                new SectionReader(file, model.Get(PipelineKeys.ModelEvents) ?? empty, $"models.{name}.events", EventSection.All)));
        }

        return sections;
    }
}
