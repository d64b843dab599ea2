using AstStream.Streaming.Graph;

namespace AstStream.Streaming.Telemetry;

/// <summary>
/// Whether a run makes progress: no arrow of the graph has messages that nobody took since the last look, unless a sink is tried again or
/// waits for somebody who is away, and no call of a library is over its limit. For one caller at a time.
/// </summary>
/// <param name="report">Knows how sinks do.</param>
/// <param name="edges">The arrows of the graph.</param>
public sealed class ProgressWatch(RunReport report, Func<IEnumerable<IEdge>> edges)
{
    private Dictionary<IEdge, long> _waiting = []; // arrows that had messages at the last look, and how many had been taken from them
    private long _writes = -1;

    /// <summary>Whether there was progress since the last call; true at the first.</summary>
    public bool HasMoved()
    {
        var writes = report.SinkTries;
        var waiting = edges().Where(e => e.Depth > 0).ToDictionary(e => e, e => e.Written - e.Depth);
        var isWaitedFor = writes != _writes || report.Sinks.Values.Contains(SinkState.Failing);
        var isStuck = !isWaitedFor && waiting.Any(e => _waiting.TryGetValue(e.Key, out var before) && before == e.Value);
        (_waiting, _writes) = (waiting, writes);
        return !isStuck && !HangGuard.IsHung;
    }
}
