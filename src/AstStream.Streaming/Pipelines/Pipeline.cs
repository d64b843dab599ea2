using AstStream.Dsp;
using AstStream.Events;
using AstStream.Model;

namespace AstStream.Streaming.Pipelines;

/// <summary>What a pipeline needs from its host.</summary>
public sealed record PipelineHost
{
    /// <summary>The types of sources and sinks.</summary>
    public required ComponentCatalog Catalog { get; init; }

    /// <summary>The model of a pipeline that names none.</summary>
    public required string DefaultModel { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>A pipeline definition that was read and checked, and its checkpoint; ready to be run once.</summary>
public sealed class Pipeline : IDisposable
{
    private const int BlockCapacity = 8;
    private const int WindowCapacity = 32;
    private const int FrameCapacity = 64;
    private const int EventCapacity = 256;

    private readonly PipelineHost _host;
    private readonly AudioGraph _audio;
    private readonly IReadOnlyList<(string Name, IEventSink Sink)> _sinks;
    private readonly EventOptions _events;
    private readonly ModelSection _model;

    private Pipeline(PipelineHost host, ModelSection model, AudioGraph audio, IReadOnlyList<(string, IEventSink)> sinks, EventOptions events)
    {
        _host = host;
        _model = model;
        _audio = audio;
        _sinks = sinks;
        _events = events;
    }

    /// <summary>The models that it runs: one, or an ensemble.</summary>
    public IReadOnlyList<AstCheckpoint> Checkpoints => _model.Checkpoints;

    /// <summary>Reads and checks a definition and opens its checkpoint; nothing else is opened yet.</summary>
    /// <param name="path">The YAML file.</param>
    /// <param name="overrides">key=value settings laid over it.</param>
    /// <param name="host">The types, the default model, the clock.</param>
    /// <exception cref="InvalidPipelineException">The definition is wrong; all problems at once.</exception>
    /// <exception cref="InvalidCheckpointException">The checkpoint is.</exception>
    public static Pipeline Load(string path, IReadOnlyList<string> overrides, PipelineHost host)
    {
        var file = PipelineFile.Load(path, overrides);
        var root = new SectionReader(file, file.Root, "", PipelineKeys.Root);
        var empty = new YamlDotNet.RepresentationModel.YamlMappingNode();
        var model = new SectionReader(file, root.Get(PipelineKeys.Model) ?? empty, "model", PipelineKeys.ModelSection);
        var events = new SectionReader(file, root.Get(PipelineKeys.Events) ?? empty, "events", PipelineKeys.EventSection);
        var audio = AudioGraph.Read(file, root, model, host.Catalog);
        var sinks = ReadSinks(file, root, host.Catalog, audio);

        // Problems of the checkpoint and of the definition are told together where both are known.
        ModelSection? read = null;
        InvalidCheckpointException? broken = null;
        try
        {
            read = ModelSection.Read(model, host.DefaultModel);
        }
        catch (InvalidCheckpointException e)
        {
            broken = e;
        }

        try
        {
            var options = read is null ? null : ReadEvents(events, read.Labels);
            file.ThrowIfAny();
            return options is null ? throw broken! : new Pipeline(host, read!, audio, sinks, options);
        }
        catch
        {
            read?.Dispose();
            throw;
        }
    }

    /// <summary>Makes the graph. A pipeline makes one graph in its life.</summary>
    /// <param name="report">Counts what the run does.</param>
    /// <param name="stop">Asks the sources to end, so that everything drains.</param>
    public DataflowGraph Build(RunReport report, CancellationToken stop)
    {
        var nodes = new List<Node>();
        var windows = new Edge<FeatureWindow>("batch", WindowCapacity);
        _audio.AddNodes(nodes, BlockCapacity, report, stop, (name, edge) =>
        {
            // One front end for each source or transform that the model listens to.
            var blocks = new Edge<AudioBlock>($"fbank({name})", BlockCapacity);
            var resample = new ResampleNode($"resample({name})", edge);
            resample.ConnectTo(blocks);
            var fbank = new FbankNode($"fbank({name})", blocks, _model.Window, report);
            fbank.ConnectTo(windows);
            nodes.Add(resample);
            nodes.Add(fbank);
        });

        // One batch waits while one runs: more would only grow stale.
        var batches = new Edge<WindowBatch>("model", 1);
        var frames = new Edge<ScoreFrame>("events", FrameCapacity);
        var batch = new BatchNode("batch", windows, _model.Session.BatchSizes.Max(), _model.MaxQueueDelay, _host.Time);
        batch.ConnectTo(batches);
        var score = new ScoreNode("model", batches, _model.Scorer, report);
        score.ConnectTo(frames);
        var decode = new DecodeNode("events", frames, _model.Labels, _events, _model.Hash, report);
        nodes.AddRange([batch, score, decode]);

        var sinks = _sinks.Select(s => (s.Name, s.Sink, Edge: new Edge<SoundEvent>(s.Name, EventCapacity))).ToList();
        if (sinks.Count == 1)
        {
            decode.ConnectTo(sinks[0].Edge);
        }
        else
        {
            var all = new Edge<SoundEvent>("tee", EventCapacity);
            decode.ConnectTo(all);
            var tee = new TeeNode("tee", all);
            foreach (var sink in sinks)
                tee.ConnectTo(sink.Edge);
            nodes.Add(tee);
        }

        nodes.AddRange(sinks.Select(s => new SinkNode(s.Name, s.Edge, s.Sink)));
        return new DataflowGraph(nodes);
    }

    /// <summary>Closes the checkpoints.</summary>
    public void Dispose() => _model.Dispose();

    private static List<(string, IEventSink)> ReadSinks(PipelineFile file, SectionReader root, ComponentCatalog catalog, AudioGraph audio)
    {
        var sinks = new List<(string, IEventSink)>();
        var singles = new Dictionary<ComponentType, string>();
        var writers = new Dictionary<string, string>(StringComparer.Ordinal);
        var taken = audio.Names;
        var types = catalog.Sinks.ToDictionary(t => t.Type, StringComparer.Ordinal);
        foreach (var (name, key, value) in AudioGraph.Components(file, root, PipelineKeys.Sinks, "sinks"))
        {
            if (taken.Contains(name))
                file.Problem(key, $"sinks.{name}: a source or transform has this name already");
            if (AudioGraph.TypeOf(file, value, $"sinks.{name}", types) is not { } type)
                continue;
            var section = new SectionReader(file, value, $"sinks.{name}", [PipelineKeys.Type, .. type.Keys]);
            sinks.Add((name, type.Create(section)));
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

    private static EventOptions ReadEvents(SectionReader section, IReadOnlyList<string> labels)
    {
        var general = section.Get(PipelineKeys.Threshold) ?? 0.5;
        var single = section.Get(PipelineKeys.Thresholds) ?? new Dictionary<string, double>();
        var wanted = section.Get(PipelineKeys.Labels);
        foreach (var (key, label) in single.Keys.Select(l => ((Key)PipelineKeys.Thresholds, l)).Concat((wanted ?? []).Select(l => ((Key)PipelineKeys.Labels, l))))
        {
            if (!labels.Contains(label))
                section.Problem(key, $"the model has no label '{label}'{Nearest.Hint(label, [.. labels])}");
        }

        var thresholds = new float[labels.Count];
        var releases = new float[labels.Count];
        for (var i = 0; i < thresholds.Length; i++)
        {
            // A label that is not wanted has a threshold that no score reaches.
            thresholds[i] = wanted?.Contains(labels[i]) == false ? float.PositiveInfinity : (float)(single.TryGetValue(labels[i], out var own) ? own : general);
            releases[i] = Math.Min(thresholds[i], (float?)section.Get(PipelineKeys.ReleaseThreshold) ?? (0.8f * thresholds[i]));
            if (float.IsPositiveInfinity(thresholds[i]))
                releases[i] = thresholds[i];
        }

        static long Samples(TimeSpan? duration) => (long)Math.Round((duration?.TotalSeconds ?? 0) * FbankOptions.SampleRate);
        var options = new EventOptions
        {
            Thresholds = thresholds,
            ReleaseThresholds = releases,
            MedianWindows = section.Get(PipelineKeys.MedianWindows),
            MinDuration = Samples(section.Get(PipelineKeys.MinDuration)),
            MergeGap = Samples(section.Get(PipelineKeys.MergeGap)),
            MaxDuration = Samples(section.Get(PipelineKeys.MaxDuration) ?? TimeSpan.FromMinutes(10)),
        };
        if (options.MedianWindows % 2 == 0)
            section.Problem(PipelineKeys.MedianWindows, $"{options.MedianWindows} is even; expected an odd number of windows, so that one is in the middle");
        if (options.MaxDuration < options.MinDuration)
            section.Problem(PipelineKeys.MaxDuration, "is shorter than min_duration: no event could be long enough");
        return options;
    }
}
