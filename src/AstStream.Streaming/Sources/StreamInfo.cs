using AstStream.Events;
using AstStream.Streaming.Clocks;
using AstStream.Streaming.Telemetry;

namespace AstStream.Streaming.Sources;

/// <summary>A stream as its source opens it and the graph carries it.</summary>
/// <param name="id">Unique in the pipeline; stands in every event.</param>
/// <param name="source">The source that it comes from, by its name in the pipeline.</param>
/// <param name="startTime">When its first sample was heard, where that is known.</param>
public sealed class StreamInfo(string id, string source, DateTimeOffset? startTime = null) : StreamIdentity(id, source, startTime)
{
    private volatile ClockCorrection _clock = new(0, 0, 0, 0);
    private volatile bool _isAbandoned;

    /// <summary>
    /// The clock that its start was read from: when that is set, its times follow. Null for times that come from elsewhere (a
    /// recording's own, a device's).
    /// </summary>
    public ClockMark? Clock { get; init; }

    /// <summary>
    /// Whether its times are to be relied on: the clock that they came from is synchronised, as far as this machine knows.
    /// </summary>
    public override bool IsClockGood => Clock?.IsGood ?? true;

    /// <summary>
    /// Which windows go first when the model is short: those of the higher number. The source's, until a source sets another.
    /// </summary>
    public int? Priority { get; set; }

    /// <summary>How much louder its samples are in the graph than its source gave them, in dB.</summary>
    public double Gain { get; internal set; }

    /// <summary>What is added to its levels in dBFS, before any gain, to have dB SPL; null where that is not known.</summary>
    public double? Calibration { get; internal set; }

    /// <summary>How its source does, where that is watched.</summary>
    public SourceHealth? Health { get; init; }

    /// <summary>Who hears what was decided of it and published; null where nobody asks.</summary>
    public IDelivery? Delivery { get; init; }

    /// <summary>The first sample that its source gives, at its own rate: 0 unless it goes on from an earlier place.</summary>
    public long FirstSample { get; init; }

    /// <summary>
    /// What models remember of it from before, by their names: the state of a <see cref="StreamCheckpoint"/> each. It goes on after these.
    /// </summary>
    public IReadOnlyDictionary<string, byte[]>? States { get; init; }

    /// <summary>Who follows it through the engine; null where nobody does. Set with its first block.</summary>
    public IStreamObserver? Observer { get; internal set; }

    /// <summary>The models that hear it, by their names; none before its lane has got its first block.</summary>
    public IReadOnlyList<string> Models { get; internal set; } = [];

    /// <summary>Whether it was given up: somebody else goes on with it, and what is not published yet is not to be.</summary>
    public bool IsAbandoned => _isAbandoned;

    /// <summary>
    /// When a place in the stream was heard: its start and the samples counted since, corrected for what this machine's clock was set by
    /// since, and for the drift of the device's clock where the source does that.
    /// </summary>
    /// <param name="seconds">Seconds from the stream's start, by samples.</param>
    public override DateTimeOffset? TimeAt(double seconds) =>
        base.TimeAt(seconds + _clock.At(seconds)) + (Clock?.Shift ?? TimeSpan.Zero);

    /// <summary>
    /// From a place on, the device's clock is held to run off by so much. Times before and after the place join: a correction never jumps.
    /// </summary>
    /// <param name="seconds">The place, in seconds from the stream's start, by samples.</param>
    /// <param name="offset">How many seconds real time is ahead of the samples there.</param>
    /// <param name="over">Over how many seconds the correction comes to be <paramref name="offset"/>.</param>
    /// <param name="limit">The most that it changes in a second.</param>
    public void Correct(double seconds, double offset, double over, double limit)
    {
        var now = _clock.At(seconds);
        _clock = new ClockCorrection(seconds, now, Math.Clamp((offset - now) / over, -limit, limit), over);
    }

    /// <summary>
    /// Gives it up: what is decided of it from now on is not published. Its source takes it out of the graph with
    /// <see cref="SourceOutput.AbandonAsync"/>.
    /// </summary>
    public void Abandon() => _isAbandoned = true;

    /// <summary>
    /// A straight line: the correction at a place, and how it goes on for a while. While a device is away, nothing is known of its clock.
    /// </summary>
    private sealed record ClockCorrection(double Origin, double Offset, double Slope, double For)
    {
        public double At(double seconds) => Offset + (Slope * Math.Clamp(seconds - Origin, -For, For));
    }
}
