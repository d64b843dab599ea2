using AstStream.Events;
using AstStream.Events.Decoding;
using AstStream.Streaming.Decoding;
using AstStream.Streaming.FrontEnd;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Scheduling;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;

namespace AstStream.Streaming.Pipelines;

/// <summary>
/// A pipeline's graph, from sources to sinks, and what may change while it runs: thresholds and labels, sources, sinks. Streams that stay
/// lose nothing by a change.
/// </summary>
public sealed class PipelineRun
{
    // Messages that fit into an arrow before its writer waits, or drops what is live.
    private const int PatientBlocks = 8;
    private const int LiveBlocks = 16384; // a quarter of a second of thousands of streams with small blocks
    private const int Records = 256;

    private readonly RunReport _report;
    private readonly CancellationToken _stop;
    private readonly Dictionary<string, WindowScheduler> _schedulers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DecodeNode> _decoders = new(StringComparer.Ordinal);
    private readonly Dictionary<string, RunningSource> _sources = new(StringComparer.Ordinal);
    private readonly RunningSinks _sinks;
    private readonly Dictionary<(string Models, bool IsLive), LaneGroup> _lanes = [];
    private readonly Edge<StreamRecord> _records;
    private readonly bool _passesAudio;
    private int _laneCount;
    private Pipeline _pipeline;

    internal PipelineRun(Pipeline pipeline, RunReport report, CancellationToken stop)
    {
        (_pipeline, _report, _stop) = (pipeline, report, stop);
        var host = pipeline.Host;
        _records = new Edge<StreamRecord>("tee", Records);
        _passesAudio = pipeline.Sinks.Any(s => s.Options.Audio);
        var sessions = new List<Node>();
        foreach (var (model, _) in pipeline.Models)
            _schedulers[model.Name] = new WindowScheduler(
                model.Name, model.Window, model.Batching, host.Time, report)
            { Identity = model.Identity };
        foreach (var source in pipeline.Sources)
            _sources[source.Name] = MakeSource(source, []);
        foreach (var definition in pipeline.Models)
        {
            var model = definition.Model;
            var scheduler = _schedulers[model.Name];
            for (var i = 0; i < model.Sessions.Count; i++)
            {
                var options = model.Sessions[i];
                sessions.Add(new SessionNode(
                    model.Sessions.Count == 1 ? model.Name : $"{model.Name}/{i}", scheduler, () => Scorer.Open(model.Scorer, options),
                        model.Describe(options), host.Time, report));
            }

            var decoder = new DecodeNode(
                pipeline.Models.Count == 1 ? "events" : $"events({model.Name})", scheduler, definition.Decoding, _records, report);
            _decoders[model.Name] = decoder;
            sessions.Add(decoder);
        }

        _sinks = new RunningSinks(new TeeNode("tee", _records, report), () => Graph!, GiveScores, host.Time, report);
        Graph = new DataflowGraph(
            [.. _sources.Values.Select(r => r.Node!), .. _lanes.Values.SelectMany(l => l.Nodes), .. sessions,
            .. _sinks.Begin(pipeline.Sinks)]);
        report.Observe([.. _schedulers.Values], () => Graph.Edges);
    }

    /// <summary>The graph.</summary>
    public DataflowGraph Graph { get; }

    /// <summary>Runs the graph to its end.</summary>
    /// <param name="cancellation">Stops everything at once, without draining.</param>
    /// <exception cref="NodeFaultException">A node failed.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Task RunAsync(CancellationToken cancellation) => Graph.RunAsync(cancellation);

    /// <summary>
    /// For one caller at a time: reads the definition again and takes over what has changed. A definition that is wrong, or changes what
    /// can't be changed, is refused as a whole.
    /// </summary>
    /// <param name="overrides">key=value settings laid over it.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>What was changed, in words; empty where nothing was.</returns>
    /// <exception cref="InvalidPipelineException">The definition is wrong; the run goes on as it was.</exception>
    /// <exception cref="SinkException">A sink can't be opened; the run goes on as it was.</exception>
    /// <exception cref="InvalidOperationException">The run is over.</exception>
    public async Task<string> ReloadAsync(IReadOnlyList<string> overrides, CancellationToken cancellation)
    {
        var next = Pipeline.Load(_pipeline.Path, overrides, _pipeline.Host, _pipeline);
        if (next.Models.Count != _pipeline.Models.Count || next.Lanes != _pipeline.Lanes)
            throw new InvalidPipelineException(
                [new ConfigProblem(_pipeline.Path, 0, 0, "models and lanes can't be added or removed while it runs; restart for that")]);
        if (!_passesAudio && next.Sinks.FirstOrDefault(s => s.Options.Audio) is { } taker)
            throw new InvalidPipelineException(
                [new ConfigProblem(
                _pipeline.Path, 0, 0, $"sinks.{taker.Name}: takes audio, as no sink did when the run began; restart for that")]);
        var sources = PrepareSources(next.Sources);
        var changes = new List<string>();
        try
        {
            await _sinks.ChangeAsync(next.Sinks, changes, cancellation).ConfigureAwait(false);
        }
        catch
        {
            Forget(sources);
            throw;
        }

        foreach (var model in next.Models)
        {
            if (!SameEvents(model.Events, _pipeline.Models.First(m => m.Model.Name == model.Model.Name).Events))
                changes.Add(_pipeline.Models.Count == 1 ? "events" : $"events of {model.Model.Name}");
            _decoders[model.Model.Name].Reconfigure(model.Events);
        }

        await ChangeSourcesAsync(sources, changes, cancellation).ConfigureAwait(false);
        _pipeline = next;
        return string.Join(", ", changes);
    }

    /// <summary>Decoding nodes give scores where a sink takes them.</summary>
    private void GiveScores(bool areTaken)
    {
        foreach (var decoder in _decoders.Values)
            decoder.GivesScores = areTaken;
    }

    private static bool SameEvents(EventOptions a, EventOptions b) =>
        a.Thresholds.SequenceEqual(b.Thresholds) && a.ReleaseThresholds.SequenceEqual(b.ReleaseThresholds)
        && a with { Thresholds = [], ReleaseThresholds = [] } == b with { Thresholds = [], ReleaseThresholds = [] };

    /// <summary>
    /// Makes a source's node, and makes it a writer of its lanes: those of all sources that the same models hear, live and patient ones
    /// apart.
    /// </summary>
    /// <param name="definition">The source.</param>
    /// <param name="made">Receives lanes that had to be made for it.</param>
    /// <exception cref="InvalidOperationException">The run is over. Nothing of the source is left.</exception>
    private RunningSource MakeSource(SourceDefinition definition, List<LaneGroup> made)
    {
        var lanes = LanesFor(definition, made);
        var running = new RunningSource(definition, CancellationTokenSource.CreateLinkedTokenSource(_stop));
        var output = new SourceOutput(
            definition.Name, _ => lanes.Next(), definition.Source.IsLive, definition.Priority,
                (float)Math.Pow(10, definition.Decibels / 20), _pipeline.Host.Time, _report);
        running.Node = new SourceNode(definition.Name, definition.Description, definition.Source, output, _report, running.Stop.Token);
        try
        {
            foreach (var lane in lanes.Edges)
                running.Node.WritesTo(lane);
            return running;
        }
        catch
        {
            running.Node.Forget();
            running.Stop.Dispose();
            throw;
        }
    }

    private LaneGroup LanesFor(SourceDefinition definition, List<LaneGroup> made)
    {
        var isLive = definition.Source.IsLive;
        var key = (string.Join(' ', definition.Models.Order(StringComparer.Ordinal)), isLive);
        if (_lanes.TryGetValue(key, out var group) && group.Edges.All(e => e.IsOpen))
            return group;
        group = new LaneGroup();
        var schedulers = _schedulers.Where(s => definition.Models.Contains(s.Key)).Select(s => s.Value).ToList();
        try
        {
            for (var i = 0; i < _pipeline.Lanes; i++)
            {
                var name = $"lane {++_laneCount}";
                group.Edges.Add(new Edge<AudioBlock>(name, isLive ? LiveBlocks : PatientBlocks));
                group.Nodes.Add(new LaneNode(name, group.Edges[i], schedulers, isLive, _report, _passesAudio ? _records : null));
            }
        }
        catch
        {
            group.Nodes.ForEach(n => n.Forget());
            throw;
        }

        made.Add(group);
        return _lanes[key] = group;
    }

    /// <summary>
    /// Makes what a new definition has more. The new sources are writers of their lanes before the old ones end: a lane without writers
    /// ends too.
    /// </summary>
    private SourceChange PrepareSources(IReadOnlyList<SourceDefinition> next)
    {
        var kept = next.Where(n => _sources.TryGetValue(n.Name, out var old) && old.Definition.Fingerprint == n.Fingerprint)
            .Select(n => n.Name).ToHashSet(StringComparer.Ordinal);
        var change = new SourceChange([.. _sources.Values.Where(s => !kept.Contains(s.Definition.Name))], [], []);
        var added = next.Where(n => !kept.Contains(n.Name)).ToList();
        if (added.FirstOrDefault(n => !n.Source.CanBeReplaced) is { } single && change.Ending.Any(e => !e.Definition.Source.CanBeReplaced))
            throw new InvalidPipelineException(
                [new ConfigProblem(
                _pipeline.Path, 0, 0,
                $"sources.{single.Name}: can't take over while it runs what another one is reading; restart for that")]);
        try
        {
            foreach (var definition in added)
                change.Beginning.Add(MakeSource(definition, change.Lanes));
            return change;
        }
        catch
        {
            Forget(change);
            throw;
        }
    }

    /// <summary>What was made for a change that does not come.</summary>
    private void Forget(SourceChange change)
    {
        foreach (var source in change.Beginning)
        {
            source.Node!.Forget();
            source.Stop.Dispose();
        }

        foreach (var lane in change.Lanes)
        {
            lane.Nodes.ForEach(n => n.Forget());
            _lanes.Remove(_lanes.First(l => l.Value == lane).Key);
        }
    }

    private async Task ChangeSourcesAsync(SourceChange change, List<string> changes, CancellationToken cancellation)
    {
        foreach (var lane in change.Lanes.SelectMany(l => l.Nodes))
            await Graph.AddAsync(lane, cancellation).ConfigureAwait(false);
        foreach (var source in change.Ending)
        {
            _sources.Remove(source.Definition.Name);
            changes.Add($"source {source.Definition.Name} "
                + $"{(change.Beginning.Any(b => b.Definition.Name == source.Definition.Name) ? "changed" : "removed")}");
            await source.Stop.CancelAsync().ConfigureAwait(false);
            await Graph.RemoveAsync(source.Node!).ConfigureAwait(false);
            source.Stop.Dispose();
        }

        foreach (var source in change.Beginning)
        {
            if (change.Ending.All(e => e.Definition.Name != source.Definition.Name))
                changes.Add($"source {source.Definition.Name} added");
            _sources[source.Definition.Name] = source;
            await Graph.AddAsync(source.Node!, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>The lanes of one kind of sources. Streams take them in turn.</summary>
    private sealed class LaneGroup
    {
        private int _next = -1;

        public List<Edge<AudioBlock>> Edges { get; } = [];

        public List<LaneNode> Nodes { get; } = [];

        public Edge<AudioBlock> Next() => Edges[(int)((uint)Interlocked.Increment(ref _next) % Edges.Count)];
    }

    private sealed record SourceChange(List<RunningSource> Ending, List<RunningSource> Beginning, List<LaneGroup> Lanes);

    private sealed record RunningSource(SourceDefinition Definition, CancellationTokenSource Stop)
    {
        public SourceNode? Node { get; set; }
    }
}
