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
    private readonly Dictionary<string, RunningSink> _sinks = new(StringComparer.Ordinal);
    private readonly List<LaneNode> _lanes = [];
    private readonly Dictionary<(string Models, bool IsLive), Edge<AudioBlock>[]> _laneEdges = [];
    private readonly TeeNode _tee;
    private Pipeline _pipeline;

    internal PipelineRun(Pipeline pipeline, RunReport report, CancellationToken stop)
    {
        (_pipeline, _report, _stop) = (pipeline, report, stop);
        var host = pipeline.Host;
        var records = new Edge<StreamRecord>("tee", Records);
        var sessions = new List<Node>();
        foreach (var (model, _) in pipeline.Models)
            _schedulers[model.Name] = new WindowScheduler(model.Name, model.Window, model.Batching, host.Time, report);
        var sources = pipeline.Sources.Select(AddSource).ToList();
        foreach (var definition in pipeline.Models)
        {
            var model = definition.Model;
            var scheduler = _schedulers[model.Name];
            for (var i = 0; i < model.Sessions.Count; i++)
            {
                var options = model.Sessions[i];
                var open = host.OpenSession ?? Scorer.Open;
                sessions.Add(new SessionNode(
                    model.Sessions.Count == 1 ? model.Name : $"{model.Name}/{i}", scheduler, () => open(model.Scorer, options), model.Describe(options), host.Time, report));
            }

            var decoder = new DecodeNode(pipeline.Models.Count == 1 ? "events" : $"events({model.Name})", scheduler, definition.Decoding, records, report);
            _decoders[model.Name] = decoder;
            sessions.Add(decoder);
        }

        _tee = new TeeNode("tee", records, report);
        var sinks = pipeline.Sinks.Select(MakeSink).ToList();
        foreach (var sink in sinks)
            Connect(sink);
        Graph = new DataflowGraph([.. sources, .. _lanes, .. sessions, _tee, .. sinks.Select(s => s.Node)]);
        report.Observe([.. _schedulers.Values], () => Graph.Edges);
    }

    /// <summary>The graph.</summary>
    public DataflowGraph Graph { get; }

    /// <summary>Runs the graph to its end.</summary>
    /// <param name="cancellation">Stops everything at once, without draining.</param>
    /// <exception cref="NodeFaultException">A node failed.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Task RunAsync(CancellationToken cancellation) => Graph.RunAsync(cancellation);

    /// <summary>For one caller at a time: reads the definition again and takes over what has changed. A definition that is wrong, or changes what can't be changed, is refused as a whole.</summary>
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
            throw new InvalidPipelineException([new ConfigProblem(_pipeline.Path, 0, 0, "models and lanes can't be added or removed while it runs; restart for that")]);
        var changes = new List<string>();
        await ChangeSinksAsync(next.Sinks, changes, cancellation).ConfigureAwait(false);
        foreach (var model in next.Models)
        {
            if (!SameEvents(model.Events, _pipeline.Models.First(m => m.Model.Name == model.Model.Name).Events))
                changes.Add(_pipeline.Models.Count == 1 ? "events" : $"events of {model.Model.Name}");
            _decoders[model.Model.Name].Reconfigure(model.Events);
        }

        await ChangeSourcesAsync(next.Sources, changes, cancellation).ConfigureAwait(false);
        _pipeline = next;
        return string.Join(", ", changes);
    }

    private static bool SameEvents(Events.EventOptions a, Events.EventOptions b) =>
        a.Thresholds.SequenceEqual(b.Thresholds) && a.ReleaseThresholds.SequenceEqual(b.ReleaseThresholds)
        && a with { Thresholds = [], ReleaseThresholds = [] } == b with { Thresholds = [], ReleaseThresholds = [] };

    /// <summary>Makes a source's node. Its lanes are those of all sources that the same models hear, live and patient ones apart.</summary>
    private SourceNode AddSource(SourceDefinition definition)
    {
        var lanes = LanesFor(definition);
        var running = new RunningSource(definition, CancellationTokenSource.CreateLinkedTokenSource(_stop));
        var next = -1;
        var output = new SourceOutput(
            definition.Name, _ => lanes[(uint)Interlocked.Increment(ref next) % lanes.Length], definition.Source.IsLive, definition.Priority, (float)Math.Pow(10, definition.Decibels / 20), _pipeline.Host.Time, _report);
        running.Node = new SourceNode(definition.Name, definition.Description, definition.Source, output, _report, running.Stop.Token);
        foreach (var lane in lanes)
            running.Node.WritesTo(lane);
        _sources[definition.Name] = running;
        return running.Node;
    }

    private static (string, bool) LaneKey(SourceDefinition definition) => (string.Join(' ', definition.Models.Order(StringComparer.Ordinal)), definition.Source.IsLive);

    private Edge<AudioBlock>[] LanesFor(SourceDefinition definition)
    {
        var key = LaneKey(definition);
        if (_laneEdges.TryGetValue(key, out var edges) && edges[0].IsOpen)
            return edges;
        edges = new Edge<AudioBlock>[_pipeline.Lanes];
        var schedulers = _schedulers.Where(s => definition.Models.Contains(s.Key)).Select(s => s.Value).ToList();
        for (var i = 0; i < edges.Length; i++)
        {
            var name = $"lane {_lanes.Count + 1}";
            edges[i] = new Edge<AudioBlock>(name, definition.Source.IsLive ? LiveBlocks : PatientBlocks);
            _lanes.Add(new LaneNode(name, edges[i], schedulers, definition.Source.IsLive, _report));
        }

        return _laneEdges[key] = edges;
    }

    private async Task ChangeSourcesAsync(IReadOnlyList<SourceDefinition> next, List<string> changes, CancellationToken cancellation)
    {
        var kept = next.Where(n => _sources.TryGetValue(n.Name, out var old) && old.Definition.Fingerprint == n.Fingerprint).Select(n => n.Name).ToHashSet(StringComparer.Ordinal);
        var ending = _sources.Values.Where(s => !kept.Contains(s.Definition.Name)).ToList();

        // The new ones are writers of the lanes before the old ones end: a lane without writers ends too.
        var lanes = _lanes.Count;
        var beginning = new List<(SourceNode Node, string Word)>();
        foreach (var definition in next.Where(n => !kept.Contains(n.Name)))
        {
            var word = _sources.ContainsKey(definition.Name) ? "changed" : "added";
            beginning.Add((AddSource(definition), word));
        }

        foreach (var lane in _lanes.Skip(lanes))
            await Graph.AddAsync(lane, cancellation).ConfigureAwait(false);
        foreach (var source in ending)
        {
            if (!beginning.Any(b => b.Node.Name == source.Definition.Name))
            {
                _sources.Remove(source.Definition.Name);
                changes.Add($"source {source.Definition.Name} removed");
            }

            await source.Stop.CancelAsync().ConfigureAwait(false);
            await Graph.RemoveAsync(source.Node!).ConfigureAwait(false);
            source.Stop.Dispose();
        }

        foreach (var (node, word) in beginning)
        {
            changes.Add($"source {node.Name} {word}");
            await Graph.AddAsync(node, cancellation).ConfigureAwait(false);
        }
    }

    private RunningSink MakeSink(SinkDefinition definition)
    {
        var edge = new Edge<StreamRecord>(definition.Name, definition.Options.Buffer);
        return new RunningSink(definition, edge, new SinkNode(definition.Name, edge, definition.Sink, definition.Options, _pipeline.Host.Time, _report));
    }

    private void Connect(RunningSink sink)
    {
        sink.Branch = _tee.Connect(sink.Definition.Name, sink.Edge, sink.Definition.Options);
        _sinks[sink.Definition.Name] = sink;
    }

    private async Task ChangeSinksAsync(IReadOnlyList<SinkDefinition> next, List<string> changes, CancellationToken cancellation)
    {
        var kept = next.Where(n => _sinks.TryGetValue(n.Name, out var old) && old.Definition.Fingerprint == n.Fingerprint).Select(n => n.Name).ToHashSet(StringComparer.Ordinal);
        var ending = _sinks.Values.Where(s => !kept.Contains(s.Definition.Name)).ToList();
        var beginning = next.Where(n => !kept.Contains(n.Name)).ToList();
        if (ending.Count == 0 && beginning.Count == 0)
            return;

        // Between two records: those before go to the old sinks, those behind to the new ones, and none to nobody.
        await _tee.ChangeAsync(
            async () =>
            {
                foreach (var sink in ending)
                    await EndAsync(sink).ConfigureAwait(false);
                var begun = new List<RunningSink>();
                try
                {
                    foreach (var definition in beginning)
                        begun.Add(await BeginAsync(definition, cancellation).ConfigureAwait(false));
                }
                catch
                {
                    foreach (var sink in begun)
                        await EndAsync(sink).ConfigureAwait(false);
                    foreach (var sink in ending)
                        await BeginAsync(sink.Definition, cancellation).ConfigureAwait(false);
                    throw;
                }
            },
            cancellation).ConfigureAwait(false);
        foreach (var name in ending.Select(s => s.Definition.Name).Union(beginning.Select(b => b.Name)))
            changes.Add($"sink {name} {(beginning.All(b => b.Name != name) ? "removed" : ending.All(e => e.Definition.Name != name) ? "added" : "changed")}");
    }

    private async Task EndAsync(RunningSink sink)
    {
        _tee.Disconnect(sink.Branch!);
        _sinks.Remove(sink.Definition.Name);
        await Graph.RemoveAsync(sink.Node).ConfigureAwait(false);
    }

    private async Task<RunningSink> BeginAsync(SinkDefinition definition, CancellationToken cancellation)
    {
        var sink = MakeSink(definition);
        await Graph.AddAsync(sink.Node, cancellation).ConfigureAwait(false);
        Connect(sink);
        return sink;
    }

    private sealed record RunningSource(SourceDefinition Definition, CancellationTokenSource Stop)
    {
        public SourceNode? Node { get; set; }
    }

    private sealed record RunningSink(SinkDefinition Definition, Edge<StreamRecord> Edge, SinkNode Node)
    {
        public TeeNode.Branch? Branch { get; set; }
    }
}
