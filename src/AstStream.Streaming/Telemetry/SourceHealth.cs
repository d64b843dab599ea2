using AstStream.Dsp;
using AstStream.Events;

namespace AstStream.Streaming.Telemetry;

/// <summary>
/// How one live source does: its state, its levels, its clock. The source sets the state; sound that passes to the graph is measured, by
/// one thread at a time; the rest is safe at any time.
/// </summary>
public sealed class SourceHealth
{
    /// <summary>Seconds of exact zeros after which a source counts as silent.</summary>
    public const double SilentAfter = 10;

    private readonly Lock _lock = new();
    private readonly RunReport _report;
    private readonly TimeProvider _time;
    private SignalMeter? _meter;
    private string _why = "";
    private volatile SourceState _state = SourceState.Starting;
    private long _lastBlock;
    private long _reconnects;
    private long _overruns;
    private double _drift = double.NaN;

    internal SourceHealth(string source, string stream, TimeProvider time, RunReport report)
    {
        (Source, Stream, _time, _report) = (source, stream, time, report);
        _lastBlock = time.GetTimestamp();
    }

    /// <summary>The source's name in the pipeline.</summary>
    public string Source { get; }

    /// <summary>The stream's name.</summary>
    public string Stream { get; }

    /// <summary>What it is like now.</summary>
    public SourceState State => _state;

    /// <summary>Its levels; null before the first sound.</summary>
    public SignalMeter? Meter => _meter;

    /// <summary>Seconds since sound last came, or since the start where none has come.</summary>
    public double SinceLastBlock => _time.GetElapsedTime(Interlocked.Read(ref _lastBlock)).TotalSeconds;

    /// <summary>Times that it was opened again after it had been lost.</summary>
    public long Reconnects => Interlocked.Read(ref _reconnects);

    /// <summary>Times that the device said it had lost samples.</summary>
    public long Overruns => Interlocked.Read(ref _overruns);

    /// <summary>
    /// How much faster the source's clock runs than this machine's, in parts per million; NaN until that is known. The measured sample rate
    /// is the nominal one times 1 + this / 10⁶.
    /// </summary>
    public double DriftPpm
    {
        get => Volatile.Read(ref _drift);
        set => Volatile.Write(ref _drift, value);
    }

    /// <summary>Whether sound comes, silent or not.</summary>
    internal SourceState Sounding => _state == SourceState.Silent ? SourceState.Silent : SourceState.Running;

    /// <summary>The state changes; that is reported. Where it is the same, only another cause of being away is news.</summary>
    /// <param name="state">What it is like from here on.</param>
    /// <param name="why">What happened, in words; it must hold no secret.</param>
    public void Become(SourceState state, string why)
    {
        SourceState before;
        bool isNews;
        lock (_lock)
        {
            before = _state;
            isNews = _why != why;
            (_state, _why) = (state, why);
        }

        if (before != state)
            _report.SourceChanges(this, before, state, why);
        else if (state == SourceState.Away && isNews)
            _report.SourceStays(this, state, why);
    }

    /// <summary>The source was opened again.</summary>
    public void Reconnected() => Interlocked.Increment(ref _reconnects);

    /// <summary>The device lost samples.</summary>
    public void Overrun() => Interlocked.Increment(ref _overruns);

    /// <summary>Sound came, and is not measured.</summary>
    public void SoundCame()
    {
        Interlocked.Exchange(ref _lastBlock, _time.GetTimestamp());
        if (_state != SourceState.Running)
            Become(SourceState.Running, "sound comes");
    }

    /// <summary>Measures what came.</summary>
    internal void Accept(ReadOnlySpan<float> samples, int sampleRate)
    {
        if (_meter?.SampleRate != sampleRate)
            _meter = new SignalMeter(sampleRate);
        _meter.Accept(samples);
        Interlocked.Exchange(ref _lastBlock, _time.GetTimestamp());
        if (_meter.SilentSeconds >= SilentAfter)
            Become(SourceState.Silent, $"every sample has been exactly zero for {SilentAfter} s; is it muted, or a channel dead?");
        else if (_state != SourceState.Silent || _meter.SilentSeconds == 0)
            Become(SourceState.Running, "sound comes");
    }
}
