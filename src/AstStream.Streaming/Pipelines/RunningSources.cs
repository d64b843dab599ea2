using AstStream.Streaming.Definitions;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;

namespace AstStream.Streaming.Pipelines;

/// <summary>The sources of a run with their lanes, and what may change of them while it goes on.</summary>
/// <param name="lanes">Gives the lanes of some models, for live or for patient sources.</param>
/// <param name="graph">The graph that they run in, once it is made.</param>
/// <param name="time">The clock.</param>
/// <param name="report">Counts.</param>
/// <param name="stop">Asks all of them to end.</param>
internal sealed class RunningSources(
    LaneGroups lanes, Func<DataflowGraph> graph, TimeProvider time, RunReport report, CancellationToken stop)
{
    private readonly Dictionary<string, RunningSource> _sources = new(StringComparer.Ordinal);

    /// <summary>What they were built of.</summary>
    public IReadOnlyList<SourceDefinition> Definitions => [.. _sources.Values.Select(s => s.Definition)];

    /// <summary>Builds the first ones; returns their nodes.</summary>
    public IEnumerable<Node> Begin(PipelineDefinition pipeline)
    {
        foreach (var definition in pipeline.Sources)
            _sources[definition.Name] = Build(definition, pipeline, []);
        return [.. _sources.Values.Select(s => s.Node)];
    }

    /// <summary>
    /// Builds what a new definition has more, outside of the graph. The new sources are writers of their lanes before the old ones end: a
    /// lane without writers ends too.
    /// </summary>
    public Prepared Prepare(IReadOnlyList<Change<SourceDefinition>> changes, PipelineDefinition next)
    {
        var prepared = new Prepared([.. changes.Where(c => c.Before is not null).Select(c => _sources[c.Name])], [], []);
        try
        {
            foreach (var definition in changes.Select(c => c.After).OfType<SourceDefinition>())
                prepared.Beginning.Add(Build(definition, next, prepared.Lanes));
            return prepared;
        }
        catch
        {
            Forget(prepared);
            throw;
        }
    }

    /// <summary>Drops what was prepared for a change that does not come.</summary>
    public void Forget(Prepared prepared)
    {
        foreach (var source in prepared.Beginning)
        {
            source.Node.Forget();
            source.Stop.Dispose();
        }

        lanes.Forget(prepared.Lanes);
    }

    /// <summary>Ends the old ones and begins the new ones.</summary>
    public async Task ApplyAsync(Prepared prepared, CancellationToken cancellation)
    {
        foreach (var lane in prepared.Lanes.SelectMany(l => l.Nodes))
            await graph().AddAsync(lane, cancellation).ConfigureAwait(false);
        foreach (var source in prepared.Ending)
        {
            _sources.Remove(source.Definition.Name);
            await source.Stop.CancelAsync().ConfigureAwait(false);
            await graph().RemoveAsync(source.Node).ConfigureAwait(false);
            source.Stop.Dispose();
        }

        foreach (var source in prepared.Beginning)
        {
            _sources[source.Definition.Name] = source;
            await graph().AddAsync(source.Node, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Builds a source with its node, and makes the node a writer of the lanes of its models.</summary>
    /// <param name="definition">The source.</param>
    /// <param name="pipeline">The definition that it is of.</param>
    /// <param name="made">Receives lanes that had to be made for it.</param>
    /// <exception cref="InvalidOperationException">The run is over. Nothing of the source is left.</exception>
    private RunningSource Build(SourceDefinition definition, PipelineDefinition pipeline, List<LaneGroup> made)
    {
        var source = definition.Settings.Build(pipeline);
        var group = lanes.For(definition.Models, source.IsLive, made);
        var ending = CancellationTokenSource.CreateLinkedTokenSource(stop);
        var output = new SourceOutput(
            definition.Name, _ => group.Next(), source.IsLive, definition.Priority, (float)Math.Pow(10, definition.Decibels / 20), time,
            report)
        { Calibration = definition.Calibration };
        var node = new SourceNode(definition.Name, Describe(definition, source), source, output, report, ending.Token);
        try
        {
            foreach (var lane in group.Inputs)
                node.WritesTo(lane.Edge);
            return new RunningSource(definition, ending, node);
        }
        catch
        {
            node.Forget();
            ending.Dispose();
            throw;
        }
    }

    /// <summary>What a source reads and what is done to it, in a few words.</summary>
    private static string Describe(SourceDefinition definition, IAudioSource source) =>
        source.Description
        + (definition.Decibels == 0 ? "" : FormattableString.Invariant($", gain of {definition.Decibels} dB"))
        + (definition.Priority == 0 ? "" : $", priority {definition.Priority}");

    /// <summary>What ends and what begins by a change, before it is made.</summary>
    internal sealed record Prepared(List<RunningSource> Ending, List<RunningSource> Beginning, List<LaneGroup> Lanes);

    internal sealed record RunningSource(SourceDefinition Definition, CancellationTokenSource Stop, SourceNode Node);
}
