using System.Collections.Concurrent;
using AstStream.Events;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Telemetry;

namespace AstStream.Streaming.Pipelines;

/// <summary>The sinks of a run, and what may change of them while it goes on.</summary>
/// <param name="tee">Gives them the records.</param>
/// <param name="graph">The graph that they run in, once it is made.</param>
/// <param name="giveScores">Hears whether a sink takes scores.</param>
/// <param name="time">The clock.</param>
/// <param name="report">Counts.</param>
internal sealed class RunningSinks(TeeNode tee, Func<DataflowGraph> graph, Action<bool> giveScores, TimeProvider time, RunReport report)
{
    private readonly ConcurrentDictionary<string, RunningSink> _sinks = new(StringComparer.Ordinal);

    /// <summary>Makes the first ones; returns the tee and their nodes.</summary>
    public IEnumerable<Node> Begin(IReadOnlyList<SinkDefinition> definitions)
    {
        var sinks = definitions.Select(MakeSink).ToList();
        sinks.ForEach(Connect);
        return [tee, .. sinks.Select(s => s.Node)];
    }

    private RunningSink MakeSink(SinkDefinition definition)
    {
        var edge = new Edge<StreamRecord>(definition.Name, definition.Options.Buffer);
        return new RunningSink(definition, edge, new SinkNode(
            definition.Name, edge, definition.Settings.Build(), definition.Options, time, report, IsNobodyLeft));
    }

    /// <summary>Whether no sink can write any more.</summary>
    private bool IsNobodyLeft() => _sinks.Values.All(s => s.Node.IsOutForGood);

    private void Connect(RunningSink sink)
    {
        var isKnown = sink.Edge.IsOpen;
        sink.Branch = tee.Connect(sink.Definition.Name, sink.Edge, sink.Definition.Options);
        if (isKnown)
            sink.Edge.Complete(null); // the place that was held for it
        _sinks[sink.Definition.Name] = sink;
        giveScores(_sinks.Values.Any(s => s.Definition.Options.Scores));
    }

    /// <summary>What they were built of.</summary>
    public IReadOnlyList<SinkDefinition> Definitions => [.. _sinks.Values.Select(s => s.Definition)];

    /// <summary>Takes over what a new definition has otherwise.</summary>
    /// <param name="changes">What that is.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="SinkException">A sink can't be opened; all is as it was.</exception>
    public async Task ChangeAsync(IReadOnlyList<Change<SinkDefinition>> changes, CancellationToken cancellation)
    {
        if (changes.Count == 0)
            return;
        var ending = changes.Where(c => c.Before is not null).Select(c => _sinks[c.Name]).ToList();
        var beginning = changes.Select(c => c.After).OfType<SinkDefinition>().ToList();

        // Between two records: those before go to the old sinks, those after to the new ones, and none to nobody. An old sink that is
        // tried again for hours must not hold up the new one that is to replace it: it ends beside, unless the new one needs what it holds.
        await tee.ChangeAsync(
            async () =>
            {
                var begun = new List<RunningSink>();
                try
                {
                    foreach (var definition in beginning)
                        begun.Add(await OpenAsync(definition, ending, cancellation).ConfigureAwait(false));
                }
                catch
                {
                    foreach (var sink in begun)
                    {
                        Disconnect(sink);
                        report.SinkEnds(sink.Definition.Name, sink.Node); // the old one's state counts again
                    }

                    foreach (var sink in ending.Where(s => !_sinks.ContainsKey(s.Definition.Name) || _sinks[s.Definition.Name] != s))
                        await RestoreAsync(sink.Definition, cancellation).ConfigureAwait(false);
                    throw;
                }

                _ = EndAllAsync(ending);
                foreach (var sink in begun)
                    Connect(sink);
            },
            cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Opens a sink. Where that fails, an old one may hold what it needs (the same file, the console): these end first, and it is tried
    /// once more.
    /// </summary>
    private async Task<RunningSink> OpenAsync(SinkDefinition definition, List<RunningSink> ending, CancellationToken cancellation)
    {
        try
        {
            return await AddAsync(definition, cancellation).ConfigureAwait(false);
        }
        catch (Exception) when (ending.Any(s => s.Branch is not null) && !cancellation.IsCancellationRequested)
        {
            await EndAllAsync(ending).WaitAsync(cancellation).ConfigureAwait(false);
            return await AddAsync(definition, cancellation).ConfigureAwait(false);
        }
    }

    private async Task<RunningSink> AddAsync(SinkDefinition definition, CancellationToken cancellation)
    {
        var sink = MakeSink(definition);
        sink.Edge.AddWriter(tee.Name); // until it is connected, or given up
        await graph().AddAsync(sink.Node, cancellation).ConfigureAwait(false);
        return sink;
    }

    /// <summary>Opens an old sink again, after a change that failed. If that fails too, it is reported, and the others go on.</summary>
    private async Task RestoreAsync(SinkDefinition definition, CancellationToken cancellation)
    {
        try
        {
            Connect(await AddAsync(definition, cancellation).ConfigureAwait(false));
        }
        catch (Exception e) when (!cancellation.IsCancellationRequested)
        {
            report.Fail(definition.Name, $"can't be opened again: {e.Message}");
        }
    }

    /// <summary>Ends those that are connected still. Their failures are reported, and none comes out here.</summary>
    private Task EndAllAsync(List<RunningSink> sinks) => Task.WhenAll(sinks.Where(s => s.Branch is not null).ToList().Select(EndAsync));

    /// <summary>Takes a sink from the tee: it writes what it has, and ends.</summary>
    private async Task EndAsync(RunningSink sink)
    {
        if (_sinks.TryGetValue(sink.Definition.Name, out var known) && known == sink)
            _sinks.TryRemove(sink.Definition.Name, out _);
        giveScores(_sinks.Values.Any(s => s.Definition.Options.Scores));
        Disconnect(sink);
        try
        {
            await graph().RemoveAsync(sink.Node).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            report.Fail(sink.Definition.Name, e.Message);
        }

        report.SinkEnds(sink.Definition.Name, sink.Node);
    }

    private void Disconnect(RunningSink sink)
    {
        if (sink.Branch is { } branch)
            tee.Disconnect(branch);
        else
            sink.Edge.Complete(null);
        sink.Branch = null;
    }

    private sealed record RunningSink(SinkDefinition Definition, Edge<StreamRecord> Edge, SinkNode Node)
    {
        public TeeNode.Branch? Branch { get; set; }
    }
}
