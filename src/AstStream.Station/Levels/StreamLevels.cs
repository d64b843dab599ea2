using AstStream.Dsp.Levels;
using AstStream.Station.Store;
using AstStream.Streaming.Sources;

namespace AstStream.Station.Levels;

/// <summary>Measures the levels of one stream, minute by minute. The lane writes; anybody reads the level of now.</summary>
/// <param name="stream">The stream.</param>
/// <param name="hasBands">Whether bands are measured too.</param>
/// <param name="keep">Takes each minute; must not wait.</param>
/// <param name="time">The clock.</param>
internal sealed class StreamLevels(StreamInfo stream, bool hasBands, Action<StoredLevels> keep, TimeProvider time)
{
    private const double LeastSeconds = 0.5; // that make a minute's levels

    private readonly LevelPeriod _period = new();
    private SoundLevelMeter? _meter;
    private long _next; // sample that goes on with what was heard
    private DateTimeOffset? _since; // when a stream's start would have been whose start is not known
    private DateTimeOffset _minute;

    /// <summary>
    /// The A-weighted level of now, time weighting F, in dB SPL where it is calibrated, else in dBFS; null before the first sound.
    /// </summary>
    public double? Now { get; private set; }

    /// <summary>Sound comes, or time is missing.</summary>
    public void Hear(AudioBlock block)
    {
        if (block.Kind == MessageKind.End)
            End();
        if (block.Kind != MessageKind.Data)
            return;
        if (_meter?.SampleRate != block.SampleRate)
        {
            Keep(); // bands of another rate are others
            _meter = new SoundLevelMeter(block.SampleRate, hasBands);
        }
        else if (block.Start != _next)
        {
            _meter.Reset();
        }

        _next = block.Start + block.Samples.Length;
        ReadOnlySpan<float> rest = block.Samples;
        while (_meter.Accept(ref rest))
            Add(_meter, (double)(_next - rest.Length - _meter.PieceLength) / block.SampleRate);
    }

    /// <summary>Nothing more comes.</summary>
    public void End() => Keep();

    private void Add(SoundLevelMeter meter, double from)
    {
        var at = stream.TimeAt(from) ?? (_since ??= Ago((double)_next / meter.SampleRate)).AddSeconds(from);
        var minute = new DateTimeOffset(at.UtcTicks - (at.UtcTicks % TimeSpan.TicksPerMinute), TimeSpan.Zero);
        if (minute != _minute)
            Keep();
        _minute = minute;
        _period.Add(meter);
        Now = LevelSummary.Decibels(meter.FastPower) - stream.Gain + (stream.Calibration ?? 0);
    }

    private DateTimeOffset Ago(double seconds) => time.GetUtcNow().AddSeconds(-seconds);

    private void Keep()
    {
        if (_period.Take() is { Seconds: >= LeastSeconds } levels)
            keep(new StoredLevels(stream, _minute, levels.Plus(-stream.Gain), stream.Calibration));
    }
}
