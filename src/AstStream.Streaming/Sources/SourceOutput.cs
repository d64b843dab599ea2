using System.Collections.Concurrent;
using AstStream.Events;
using AstStream.Streaming.Clocks;
using AstStream.Streaming.Telemetry;

namespace AstStream.Streaming.Sources;

/// <summary>What a source writes to: the lanes. Safe for several streams at once, for one caller a stream.</summary>
public sealed class SourceOutput
{
    private readonly ConcurrentDictionary<StreamInfo, StreamRoute> _open = [];
    private readonly ConcurrentBag<SourceHealth> _watched = [];
    private readonly Func<StreamInfo, LaneInput> _laneOf;
    private readonly float _gain;
    private readonly bool _isLive;
    private readonly int _priority;
    private readonly TimeProvider _time;
    private readonly RunReport _report;

    internal SourceOutput(
        string source,
        Func<StreamInfo, LaneInput> laneOf, bool isLive, int priority, float gain, TimeProvider time, RunReport report)
    {
        Source = source;
        _priority = priority;
        _laneOf = laneOf;
        _isLive = isLive;
        _gain = gain;
        _time = time;
        _report = report;
    }

    /// <summary>The source's name in the pipeline.</summary>
    public string Source { get; }

    /// <summary>The calibration of its streams.</summary>
    internal double? Calibration { get; init; }

    /// <summary>
    /// Passes a block on; it is the graph's afterwards. A source that can wait waits while the graph is busy; a live one never does: what
    /// finds no room is dropped and counted as lost.
    /// </summary>
    public ValueTask WriteAsync(AudioBlock block, CancellationToken cancellation)
    {
        if (block.Captured == 0)
            block.Captured = _time.GetTimestamp();
        block.Stream.Health?.Accept(block.Samples, block.SampleRate);
        if (_gain != 1)
        {
            foreach (ref var sample in block.Samples)
                sample *= _gain;
        }

        var route = RouteOf(block.Stream, block.SampleRate);
        _report.AddBlock();
        if (!_isLive)
        {
            route.Position = block.Start + block.Samples.Length;
            return route.Lane.Edge.WriteAsync(block, cancellation);
        }

        // Samples that were dropped come first: the lane must know that time is missing before it gets what follows.
        if (cancellation.IsCancellationRequested)
        {
            block.Return();
            cancellation.ThrowIfCancellationRequested();
        }

        route.Position = block.Start + block.Samples.Length;
        if (route.Lane.IsOut(route))
        {
            route.HasDropped = true;
            block.Return();
        }
        else if (!route.HasDropped || TryWrite(
            route, AudioBlock.Mark(block.Stream, MessageKind.Discontinuity, block.Start, block.SampleRate, LossReason.Overrun)))
        {
            TryWrite(route, block);
        }
        else
        {
            block.Return();
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>
    /// Says that time is missing: the stream goes on at <paramref name="next"/>, a sample of its own rate. That rate may be another one
    /// than before, and <paramref name="next"/> counts it from the stream's start.
    /// </summary>
    public ValueTask SkipAsync(StreamInfo stream, int sampleRate, long next, LossReason reason, CancellationToken cancellation)
    {
        var route = RouteOf(stream, sampleRate);
        route.SampleRate = sampleRate;
        if (_isLive && route.HasDropped)
        {
            route.Position = next; // the mark that is still owed covers this too
            return ValueTask.CompletedTask;
        }

        var mark = AudioBlock.Mark(stream, MessageKind.Discontinuity, next, sampleRate, reason);
        route.Position = next;
        if (!_isLive)
            return route.Lane.Edge.WriteAsync(mark, cancellation);
        TryWrite(route, mark);
        return ValueTask.CompletedTask;
    }

    /// <summary>Ends a stream at its length in samples of its own rate. This waits, live or not: an end is never dropped.</summary>
    public async ValueTask EndAsync(StreamInfo stream, int sampleRate, long length, CancellationToken cancellation)
    {
        var route = RouteOf(stream, sampleRate);
        if (_open.TryRemove(stream, out _))
            route.Lane.Leave();
        if (route.HasDropped)
            await route.Lane.Edge.WriteAsync(
                AudioBlock.Mark(stream, MessageKind.Discontinuity, length, sampleRate, LossReason.Overrun), cancellation).ConfigureAwait(
                false);
        await route.Lane.Edge.WriteAsync(AudioBlock.Mark(stream, MessageKind.End, length, sampleRate), cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Gives a stream up where it is: somebody else goes on with it. What is not published of it by now is not published here. This waits,
    /// as an end does.
    /// </summary>
    public async ValueTask AbandonAsync(StreamInfo stream, CancellationToken cancellation)
    {
        stream.Abandon();
        if (!_open.TryRemove(stream, out var route))
            return;
        route.Lane.Leave();
        await route.Lane.Edge.WriteAsync(
            AudioBlock.Mark(stream, MessageKind.End, route.Position, route.SampleRate), cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Watches a live stream of the source, from before its first sound on; its <see cref="StreamInfo.Health"/> is to be this.
    /// </summary>
    /// <param name="stream">The stream's name.</param>
    public SourceHealth Watch(string stream)
    {
        var health = _report.Watch(Source, stream);
        _watched.Add(health);
        return health;
    }

    /// <summary>A mark of this machine's clock for a stream whose start is read from it now: <see cref="StreamInfo.Clock"/>.</summary>
    public ClockMark MarkClock() => _report.Clock.Mark();

    /// <summary>Reports that a stream failed; the run goes on and ends with an exit code that says so.</summary>
    public void Fail(string message) => _report.Fail(Source, message);

    /// <summary>Reports something odd that the stream was used with all the same.</summary>
    public void Warn(string message) => _report.Warn(Source, message);

    /// <summary>Reports something that is worth knowing, and well.</summary>
    public void Note(string message) => _report.Note(Source, message);

    /// <summary>Ends the streams that the source has left open.</summary>
    internal async ValueTask EndAllAsync(CancellationToken cancellation)
    {
        foreach (var (stream, route) in _open)
            await EndAsync(stream, route.SampleRate, route.Position, cancellation).ConfigureAwait(false);
        foreach (var health in _watched)
            _report.Unwatch(health);
    }

    private static bool TryWrite(StreamRoute route, AudioBlock block)
    {
        route.HasDropped = !route.Lane.Edge.TryWrite(block);
        if (route.HasDropped)
            block.Return();
        return !route.HasDropped;
    }

    private StreamRoute RouteOf(StreamInfo stream, int sampleRate)
    {
        if (_open.TryGetValue(stream, out var known))
            return known;
        stream.Priority ??= _priority;
        (stream.Gain, stream.Calibration) = (20 * Math.Log10(_gain), Calibration);
        var lane = _laneOf(stream);
        lane.Enter(stream.Priority.Value);
        return _open[stream] = new StreamRoute(lane, sampleRate, stream.Priority.Value);
    }
}
