using AstStream.Events;
using AstStream.Streaming.FrontEnd;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Scheduling;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;

namespace AstStream.Streaming.Pipelines;

/// <summary>The lanes of a run: those of all sources that the same models hear, live and patient ones apart.</summary>
/// <param name="count">Lanes of each kind.</param>
/// <param name="schedulers">Gives some models, by their names, as they are now, with their shadows.</param>
/// <param name="records">Where sound goes that is passed on; null where none is.</param>
/// <param name="report">Counts.</param>
/// <param name="time">The clock.</param>
/// <param name="observe">Who follows a stream that begins; null for nobody.</param>
internal sealed class LaneGroups(
    int count, Func<IReadOnlySet<string>, IReadOnlyList<WindowScheduler>> schedulers, Edge<StreamRecord>? records, RunReport report,
    TimeProvider time, Func<StreamInfo, IStreamObserver?>? observe = null)
{
    // Messages that fit into an arrow before its writer waits, or drops what is live.
    private const int PatientBlocks = 8;
    private const int LiveBlocks = 16384; // a quarter of a second of thousands of streams with small blocks

    private readonly Dictionary<(string Models, bool IsLive), LaneGroup> _groups = [];
    private int _made;

    /// <summary>Their nodes.</summary>
    public IEnumerable<Node> Nodes => _groups.Values.SelectMany(g => g.Nodes);

    /// <summary>The lanes of a source.</summary>
    /// <param name="models">The models that hear it.</param>
    /// <param name="isLive">Whether it can't wait.</param>
    /// <param name="made">Receives them where they had to be made.</param>
    public LaneGroup For(IReadOnlySet<string> models, bool isLive, List<LaneGroup> made)
    {
        var key = (string.Join(' ', models.Order(StringComparer.Ordinal)), isLive);
        if (_groups.TryGetValue(key, out var group) && group.Inputs.All(i => i.Edge.IsOpen))
            return group;
        group = new LaneGroup();
        var heard = schedulers(models);
        try
        {
            for (var i = 0; i < count; i++)
            {
                var name = $"lane {++_made}";
                var edge = new Edge<AudioBlock>(name, isLive ? LiveBlocks : PatientBlocks);
                group.Inputs.Add(new LaneInput(edge, time));
                group.Nodes.Add(new LaneNode(name, edge, heard, isLive, report, records, observe));
            }
        }
        catch
        {
            group.Nodes.ForEach(n => n.Forget());
            throw;
        }

        made.Add(group);
        return _groups[key] = group;
    }

    /// <summary>
    /// Has another model hear all streams in the place of one, each from its next window on; or a shadow begin, or end. Waits until that is
    /// so.
    /// </summary>
    /// <param name="former">The one that ends; null for a shadow that begins.</param>
    /// <param name="next">The one that begins; null for a shadow that ends.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="OperationCanceledException">The run has ended meanwhile.</exception>
    public async Task ChangeAsync(WindowScheduler? former, WindowScheduler? next, CancellationToken cancellation)
    {
        var heard = former ?? next!.ShadowOf!;
        List<LaneNode> lanes = [.. Nodes.OfType<LaneNode>().Where(l => l.Hears(heard))];
        await Task.WhenAll(lanes.Select(l => l.CallAsync(() => l.Change(former, next)))).WaitAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>Drops lanes that were made for a change that does not come.</summary>
    public void Forget(List<LaneGroup> made)
    {
        foreach (var group in made)
        {
            group.Nodes.ForEach(n => n.Forget());
            _groups.Remove(_groups.First(g => g.Value == group).Key);
        }
    }
}
