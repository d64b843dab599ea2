using System.Diagnostics;
using System.Runtime.ExceptionServices;
using AstStream.Dsp;
using AstStream.Events;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;

namespace AstStream.Connectors.Capture;

/// <summary>
/// One live stream's way into the graph: decoded, and put where it belongs in the stream's time. Sound that joins what came before goes
/// on at once. After a break it is held for a moment, until it is plain whether it was late or time is missing. One thread brings sound,
/// another one looks at the clock; a lock keeps them apart, as nothing here ever waits: the graph never makes a live source wait.
/// </summary>
internal sealed class LiveStream
{
    private const int BlocksPerSecond = 10; // that held sound is cut into
    private const int LongestHold = 60; // seconds of sound
    private const double AccountedEvery = 10; // seconds without sound, in which their loss is passed on
    private const double CorrectedOver = 60; // seconds
    private const double MostCorrection = 0.001; // seconds in a second
    private const double LongestAge = 60; // seconds
    private const int LongestDoubt = 5; // times to settle, that it is held to see whether it was heard before

    private readonly SourceOutput _output;
    private readonly SourceHealth _health;
    private readonly LiveOptions _options;
    private readonly TimeProvider _time;
    private readonly CancellationToken _cancellation;
    private readonly double _settle; // seconds

    // Under the lock.
    private readonly Lock _lock = new();
    private readonly CaptureClock _clock = new();
    private readonly HeldSound _held = new();
    private readonly RepeatedSound? _repeated; // where sound may come again
    private readonly ChannelWatch _channels;
    private StreamInfo? _stream;
    private PcmDecoder? _decoder;
    private PcmFormat _format;
    private LinkState _link;
    private Joint _joint;
    private long _position; // samples at the format's rate, from the stream's start
    private double _arrival; // the last one
    private double _accounted; // when loss was last passed on
    private bool _hasSounded;

    /// <summary>Makes it.</summary>
    /// <param name="output">Where sound goes.</param>
    /// <param name="health">How the source does.</param>
    /// <param name="options">How it deals with what devices and networks do.</param>
    /// <param name="time">The clock.</param>
    /// <param name="cancellation">Gives up.</param>
    public LiveStream(
        SourceOutput output, SourceHealth health, LiveOptions options, TimeProvider time, CancellationToken cancellation)
    {
        (_output, _health, _options, _time, _cancellation) = (output, health, options, time, cancellation);
        _settle = options.Settle.TotalSeconds;
        _repeated = options.MayRepeat ? new RepeatedSound() : null;
        _channels = new ChannelWatch(output, options.Channel);
    }

    /// <summary>Whether new sound has come since it was opened last.</summary>
    public bool HasSounded => Volatile.Read(ref _hasSounded);

    /// <summary>Whether any sound has come.</summary>
    public bool HasBegun => Volatile.Read(ref _stream) is not null;

    /// <summary>Odd samples; null where all are well.</summary>
    public string? Warning => _decoder?.Warning;

    private double Now => _time.GetTimestamp() / (double)_time.TimestampFrequency;

    private bool IsOpen => _link != LinkState.Closed;

    /// <summary>The way to it is open; what comes next does not join what came before.</summary>
    /// <exception cref="InvalidAudioException">The format has no such channel.</exception>
    public void Open(PcmFormat format)
    {
        var decoder = new PcmDecoder(format, _options.Channel, _output.Source);
        lock (_lock)
        {
            _decoder = decoder;
            if (_stream is not null && format.SampleRate != _format.SampleRate)
                _position = ((_position * format.SampleRate) + _format.SampleRate - 1) / _format.SampleRate;
            _format = format;
            _arrival = Now;
            _hasSounded = false;
            _joint = HasBegun ? Joint.Overlapping : Joint.Broken;
            Become(!HasBegun ? LinkState.Open : _repeated is null ? LinkState.Reopened : LinkState.Doubtful);
            _repeated?.Open(_arrival + (LongestDoubt * _settle));
            _channels.Open();
            _held.Clear(most: int.MaxValue);
            _held.Begin(double.PositiveInfinity, _held.Reason == LossReason.None ? LossReason.DeviceAway : _held.Reason);
        }
    }

    /// <summary>The way to it is gone. What was held is passed on.</summary>
    /// <param name="reason">What the time counts as from here on.</param>
    public void Close(LossReason reason)
    {
        lock (_lock)
        {
            Release();
            Become(LinkState.Closed);
            _held.End(reason);
        }
    }

    /// <summary>Takes what came.</summary>
    public void Accept(PcmChunk chunk)
    {
        lock (_lock)
        {
            var now = Now;
            var known = _repeated?.Take(chunk.Bytes.Length / _format.BytesPerFrame) ?? 0;
            if (known > 0)
            {
                chunk = chunk with { Bytes = chunk.Bytes[(known * _format.BytesPerFrame)..] };
                if (chunk.Bytes.IsEmpty)
                    return; // nothing new: it counts as if nothing had come
            }

            var heard = now - AgeOf(chunk, now);
            var wait = now - _arrival;
            _arrival = now;
            if (chunk.IsBreak || now >= _held.Until)
                Release(); // it came before the break, or is a burst of its own
            if (chunk.IsBreak)
            {
                _health.Overrun();
                if (_joint == Joint.Joined)
                    _joint = Joint.Broken;
                _held.Begin(now + _settle, LossReason.Overrun);
            }
            else if (wait > _options.StalledAfter.TotalSeconds)
            {
                _held.Begin(now + _settle, LossReason.Stalled);
            }

            var frames = chunk.Bytes.Length / _format.BytesPerFrame;
            if (!_held.IsHolding)
            {
                var block = Rent(frames);
                _decoder!.Decode(chunk.Bytes.Span, block.Samples);
                Pass(block);
                Follow(heard);
                return;
            }

            _held.Add(_decoder!, chunk.Bytes.Span, frames, heard, now + _settle);
            if (now >= _held.Until || _held.Count > LongestHold * _format.SampleRate)
                Release();
        }
    }

    /// <summary>
    /// Time has passed: what was held for long enough is passed on, and so is the loss of time in which nothing comes. Returns for how long
    /// nothing has come though the way is open, in seconds.
    /// </summary>
    public double Update()
    {
        lock (_lock)
        {
            var now = Now;
            if (now >= _held.Until)
                Release();
            var idle = now - _arrival;
            if (IsOpen && idle > _options.StalledAfter.TotalSeconds)
                _health.Become(SourceState.Stalled, _repeated is { HasRepeated: true }
                    ? $"what comes was heard before, and nothing new has come for {idle:0.0} s; has its encoder died?"
                    : $"no sound has come for {idle:0.0} s");
            if (now - Math.Max(_arrival, _accounted) > AccountedEvery && _health.State is SourceState.Stalled or SourceState.Away)
                LoseToNow();
            if (_decoder is not null && _health.State is SourceState.Running or SourceState.Silent)
                _channels.Check(_decoder, _format, _position);
            return IsOpen ? idle : 0;
        }
    }

    /// <summary>The stream is over.</summary>
    public ValueTask EndAsync()
    {
        lock (_lock)
        {
            Release();
            if (_health.State is SourceState.Stalled or SourceState.Away)
                LoseToNow();
        }

        return _stream is null ? ValueTask.CompletedTask : _output.EndAsync(_stream, _format.SampleRate, _position, _cancellation);
    }

    /// <summary>The one way from state to state. Under the lock.</summary>
    private void Become(LinkState state)
    {
        Debug.Assert(state is not (LinkState.Doubtful or LinkState.Reopened) || HasBegun, "what is open again was open before");
        Debug.Assert(
            _link switch
            {
                LinkState.Closed => true,
                LinkState.Doubtful => state is LinkState.Reopened or LinkState.Closed,
                _ => state is LinkState.Open or LinkState.Closed,
            },
            "a way is closed before it is opened");
        _link = state;
    }

    /// <summary>The time up to now is lost: nothing came in it.</summary>
    private void LoseToNow()
    {
        _accounted = Now;
        if (_stream is null)
            return;
        var next = (long)(_clock.PlaceAt(_accounted) * _format.SampleRate);
        if (next <= _position)
            return;
        if (IsOpen)
            _held.Begin(double.PositiveInfinity, LossReason.Stalled);
        _joint = Joint.Overlapping; // should it have been late after all
        _position = next;
        Done(_output.SkipAsync(_stream, _format.SampleRate, next, _held.Reason, _cancellation));
    }

    /// <summary>Passes on what is held, put where it belongs.</summary>
    private void Release()
    {
        if (!_held.IsHolding || _held.Count == 0 || !LeaveOutRepeated())
            return;
        var rate = _format.SampleRate;
        var first = 0;
        if (_stream is null)
        {
            var seconds = (double)_held.Count / rate;
            var began = _time.GetUtcNow() - TimeSpan.FromSeconds(seconds + Now - _held.Heard);
            Volatile.Write(
                ref _stream,
                new StreamInfo(_output.Source, _output.Source, began) { Health = _health, Clock = _output.MarkClock() });
            _clock.Begin(_held.Heard, seconds);
        }
        else
        {
            var missing = (long)Math.Round(_clock.PlaceAt(_held.Heard) * rate) - _held.Count - _position;
            if (_joint != Joint.Joined || missing > _options.Tolerance.TotalSeconds * rate)
            {
                if (missing < 0 && _joint == Joint.Overlapping)
                    first = (int)Math.Min(-missing, _held.Count);
                _position += Math.Max(0, missing);
                Done(_output.SkipAsync(_stream, rate, _position, _held.Reason, _cancellation));
                _clock.Break(_held.Heard);
            }
        }

        if (_link == LinkState.Reopened)
            _health.Reconnected();
        for (var size = Math.Max(1, rate / BlocksPerSecond); first < _held.Count; first += size)
        {
            var part = _held.Samples.Slice(first, Math.Min(size, _held.Count - first));
            var block = Rent(part.Length);
            part.CopyTo(block.Samples);
            Pass(block);
        }

        _joint = Joint.Joined;
        if (IsOpen)
            Become(LinkState.Open);
        _held.Clear(most: 4 * rate);
        _held.End(LossReason.None);
        Follow(_held.Heard);
    }

    /// <summary>
    /// Leaves out what was heard before the break. False where nothing else is held, or it can't be told yet: then it is held on.
    /// </summary>
    private bool LeaveOutRepeated()
    {
        if (_link != LinkState.Doubtful)
            return true;
        var known = _repeated!.KnownOf(_held.Samples, _format.SampleRate);
        if (known is null && Now < _repeated.DoubtUntil)
        {
            _held.Extend(Now + _settle);
            return false;
        }

        Become(LinkState.Reopened);
        _held.Skip(known ?? 0);
        if (_held.Count > 0)
            return true;
        _held.Extend(double.PositiveInfinity); // new sound may follow
        return false;
    }

    private AudioBlock Rent(int samples) => AudioBlock.Rent(_stream!, _position, _format.SampleRate, samples);

    private void Pass(AudioBlock block)
    {
        _position += block.Samples.Length;
        Volatile.Write(ref _hasSounded, true);
        _repeated?.Add(block.Samples, _format.SampleRate);
        Done(_output.WriteAsync(block, _cancellation));
    }

    /// <summary>The clock follows what was heard up to the position.</summary>
    private void Follow(double heard)
    {
        var place = (double)_position / _format.SampleRate;
        if (!_clock.Heard(heard, place))
            return;
        if (_clock.DriftPpm is { } drift)
            _health.DriftPpm = drift;
        if (_options.CorrectsDrift)
            _stream!.Correct(
                place, _clock.Lag - (CorrectedOver * 1e-6 * _clock.DriftPpm.GetValueOrDefault()), CorrectedOver, MostCorrection);

        // Crystals drift by tens of parts per million, not by hundredths: sound was lost in pieces too small to see.
        if (_clock.Creep > _options.Tolerance.TotalSeconds)
            _held.Begin(double.PositiveInfinity, LossReason.Gap);
    }

    /// <summary>How long ago its last sample was heard.</summary>
    private double AgeOf(PcmChunk chunk, double now) => Math.Clamp(
        chunk.BootTime is { } boot ? now - (boot * 1e-9) : chunk.Captured is { } captured ? (_time.GetUtcNow() - captured).TotalSeconds : 0,
            0, LongestAge);

    /// <summary>A live source's writes are done when they return.</summary>
    private static void Done(ValueTask write)
    {
        if (write.IsCompletedSuccessfully)
            return;
        if (!write.IsCompleted)
            throw new InvalidOperationException("a live source was made to wait");
        ExceptionDispatchInfo.Throw(write.AsTask().Exception?.InnerException ?? new OperationCanceledException());
    }
}
