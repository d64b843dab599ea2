using AstStream.Dsp;
using AstStream.Events;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;

namespace AstStream.Connectors.Capture;

/// <summary>
/// One live stream's way into the graph: decoded, and put where it belongs in the stream's time. Sound that joins what came before goes
/// on at once. Behind a break it is held for a moment, until it is plain whether it was late or time is missing. One thread brings sound,
/// another one looks at the clock; a lock keeps them apart, as nothing here ever waits: the graph never makes a live source wait.
/// </summary>
internal sealed class LiveStream(
    SourceOutput output, SourceHealth health, LiveOptions options, TimeProvider time, CancellationToken cancellation)
{
    private const int BlocksPerSecond = 10; // that held sound is cut into
    private const int LongestHold = 60; // seconds of sound
    private const double AccountedEvery = 10; // seconds without sound, in which their loss is passed on
    private const double CorrectedOver = 60; // seconds
    private const double MostCorrection = 0.001; // seconds in a second
    private const double LongestAge = 60; // seconds
    private const int LongestDoubt = 5; // times to settle, that it is held to see whether it was heard before

    private readonly Lock _lock = new();
    private readonly CaptureClock _clock = new();
    private StreamInfo? _stream;
    private PcmDecoder? _decoder;
    private PcmFormat _format;
    private bool _isOpen;
    private bool _isDeadTold;
    private long _position; // samples at the format's rate, from the stream's start
    private double _arrival; // the last one
    private double _accounted; // when loss was last passed on

    // What is held, until it is plain where it belongs.
    private float[] _held = [];
    private int _heldCount;
    private double _heldUntil; // 0: nothing is held; infinite: from the next sound on
    private double _heard; // when its last sample was heard
    private LossReason _reason; // of the time that may be missing before it
    private bool _isBroken; // it does not join, whatever the clock says
    private bool _isAgain; // it may have been heard, or counted as lost, before
    private bool _isReopened;
    private bool _isUnsure; // it may have been heard before
    private double _unsureUntil;

    // What was heard before, and what comes again of it.
    private readonly HeardBefore? _before = options.MayRepeat ? new HeardBefore() : null;
    private long _repeated; // samples that are still to be left out
    private bool _hasRepeated; // since it was opened
    private bool _hasSounded; // since it was opened

    /// <summary>Whether new sound has come since it was opened last.</summary>
    public bool HasSounded => Volatile.Read(ref _hasSounded);

    /// <summary>Whether any sound has come.</summary>
    public bool HasBegun => Volatile.Read(ref _stream) is not null;

    /// <summary>Odd samples; null where all are well.</summary>
    public string? Warning => _decoder?.Warning;

    private double Now => time.GetTimestamp() / (double)time.TimestampFrequency;

    /// <summary>The way to it is open; what comes next does not join what came before.</summary>
    /// <exception cref="InvalidAudioException">The format has no such channel.</exception>
    public void Open(PcmFormat format)
    {
        var decoder = new PcmDecoder(format, options.Channel, output.Source);
        lock (_lock)
        {
            _decoder = decoder;
            if (_stream is not null && format.SampleRate != _format.SampleRate)
                _position = ((_position * format.SampleRate) + _format.SampleRate - 1) / _format.SampleRate;
            _format = format;
            _arrival = Now;
            _isDeadTold = false;
            _heldCount = 0;
            _isOpen = _isBroken = true;
            _isReopened = _isAgain = HasBegun;
            _isUnsure = HasBegun && _before is not null;
            _unsureUntil = _arrival + (LongestDoubt * options.Settle.TotalSeconds);
            (_repeated, _hasRepeated, _hasSounded) = (0, false, false);
            Hold(double.PositiveInfinity, _reason == LossReason.None ? LossReason.DeviceAway : _reason);
        }
    }

    /// <summary>The way to it is gone. What was held is passed on.</summary>
    /// <param name="reason">What the time counts as from here on.</param>
    public void Close(LossReason reason)
    {
        lock (_lock)
        {
            Release();
            _isOpen = false;
            _heldUntil = 0;
            _reason = reason;
        }
    }

    /// <summary>Takes what came.</summary>
    public void Accept(PcmChunk chunk)
    {
        lock (_lock)
        {
            var now = Now;
            if (_repeated > 0)
            {
                var known = (int)Math.Min(_repeated, chunk.Bytes.Length / _format.BytesPerFrame);
                _repeated -= known;
                chunk = chunk with { Bytes = chunk.Bytes[(known * _format.BytesPerFrame)..] };
                if (chunk.Bytes.IsEmpty)
                    return; // nothing new: it counts as if nothing had come
            }

            var heard = now - AgeOf(chunk, now);
            var wait = now - _arrival;
            _arrival = now;
            if (chunk.IsBreak || now >= _heldUntil)
                Release(); // it came before the break, or is a burst of its own
            if (chunk.IsBreak)
            {
                health.Overrun();
                _isBroken = true;
                Hold(now + options.Settle.TotalSeconds, LossReason.Overrun);
            }
            else if (wait > options.StalledAfter.TotalSeconds)
            {
                Hold(now + options.Settle.TotalSeconds, LossReason.Stalled);
            }

            var frames = chunk.Bytes.Length / _format.BytesPerFrame;
            if (_heldUntil == 0)
            {
                var block = Rent(frames);
                _decoder!.Decode(chunk.Bytes.Span, block.Samples);
                Pass(block);
                Follow(heard);
                return;
            }

            _heldUntil = Math.Min(_heldUntil, now + options.Settle.TotalSeconds);
            _heard = heard;
            if (_held.Length < _heldCount + frames)
                Array.Resize(ref _held, Math.Max(_heldCount + frames, _held.Length * 2));
            _heldCount += _decoder!.Decode(chunk.Bytes.Span, _held.AsSpan(_heldCount, frames));
            if (now >= _heldUntil || _heldCount > LongestHold * _format.SampleRate)
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
            if (now >= _heldUntil)
                Release();
            var idle = now - _arrival;
            if (_isOpen && idle > options.StalledAfter.TotalSeconds)
                health.Become(SourceState.Stalled, _hasRepeated ? $"what comes was heard before, and nothing new has come for {idle:0.0} "
                    + $"s; has its encoder died?" : $"no sound has come for {idle:0.0} s");
            if (now - Math.Max(_arrival, _accounted) > AccountedEvery && health.State is SourceState.Stalled or SourceState.Away)
                LoseToNow();
            TellChannels();
            return _isOpen ? idle : 0;
        }
    }

    /// <summary>The stream is over.</summary>
    public ValueTask EndAsync()
    {
        lock (_lock)
        {
            Release();
            if (health.State is SourceState.Stalled or SourceState.Away)
                LoseToNow();
        }

        return _stream is null ? ValueTask.CompletedTask : output.EndAsync(_stream, _format.SampleRate, _position, cancellation);
    }

    /// <summary>
    /// Tells, once a connection, which channels have been silent for as long as makes a source silent while others sound, and whether a mix
    /// destroys itself.
    /// </summary>
    private void TellChannels()
    {
        if (_isDeadTold || _format.Channels < 2 || health.State is not (SourceState.Running or SourceState.Silent))
            return;
        var dead = _decoder!.SilentChannels((long)(SourceHealth.SilentAfter * _format.SampleRate)).ToList();
        var mix = _position > SourceHealth.SilentAfter * _format.SampleRate ? _decoder.MixWarning : null;
        _isDeadTold = (dead.Count > 0 && dead.Count < _format.Channels && (options.Channel is not { } channel || dead.Contains(channel)))
            || mix is not null;
        if (!_isDeadTold)
            return;
        output.Warn(mix ?? $"channel {string.Join(", ", dead)} has been exactly zero for {SourceHealth.SilentAfter} s while others sound; "
            + $"is it connected? channel: N hears one alone");
    }

    private void Hold(double until, LossReason reason)
    {
        if (_heldUntil == 0)
            (_heldUntil, _reason) = (until, reason);
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
        if (_isOpen)
            Hold(double.PositiveInfinity, LossReason.Stalled);
        _isAgain = _isBroken = true; // should it have been late after all
        _position = next;
        Done(output.SkipAsync(_stream, _format.SampleRate, next, _reason, cancellation));
    }

    /// <summary>Passes on what is held, put where it belongs.</summary>
    private void Release()
    {
        if (_heldUntil == 0 || _heldCount == 0 || !LeaveOutRepeated())
            return;
        var rate = _format.SampleRate;
        var first = 0;
        if (_stream is null)
        {
            var seconds = (double)_heldCount / rate;
            Volatile.Write(ref _stream, new StreamInfo(output.Source, output.Source, time.GetUtcNow() - TimeSpan.FromSeconds(
                seconds + Now - _heard))
            { Health = health, Clock = output.MarkClock() });
            _clock.Begin(_heard, seconds);
        }
        else
        {
            var missing = (long)Math.Round(_clock.PlaceAt(_heard) * rate) - _heldCount - _position;
            if (_isBroken || missing > options.Tolerance.TotalSeconds * rate)
            {
                if (missing < 0 && _isAgain)
                    first = (int)Math.Min(-missing, _heldCount);
                _position += Math.Max(0, missing);
                Done(output.SkipAsync(_stream, rate, _position, _reason, cancellation));
                _clock.Break(_heard);
            }
        }

        if (_isReopened)
            health.Reconnected();
        for (var size = Math.Max(1, rate / BlocksPerSecond); first < _heldCount; first += size)
        {
            var part = _held.AsSpan(first, Math.Min(size, _heldCount - first));
            var block = Rent(part.Length);
            part.CopyTo(block.Samples);
            Pass(block);
        }

        _heldCount = 0;
        _heldUntil = 0;
        if (_held.Length > 4 * rate)
            _held = []; // a burst
        (_isBroken, _isAgain, _isReopened, _reason) = (false, false, false, LossReason.None);
        Follow(_heard);
    }

    /// <summary>
    /// Leaves out what was heard before the break. False where nothing else is held, or it can't be told yet: then it is held on.
    /// </summary>
    private bool LeaveOutRepeated()
    {
        if (!_isUnsure)
            return true;
        var repeated = _before!.Repeated(_held.AsSpan(0, _heldCount), _format.SampleRate);
        if (repeated is null && Now < _unsureUntil && _isOpen)
        {
            _heldUntil = Now + options.Settle.TotalSeconds;
            return false;
        }

        _isUnsure = false;
        var known = (int)Math.Min(repeated ?? 0, _heldCount);
        if (known == 0)
            return true;
        _hasRepeated = true;
        _repeated = repeated!.Value - known;
        _heldCount -= known;
        _held.AsSpan(known, _heldCount).CopyTo(_held);
        if (_heldCount > 0)
            return true;
        _heldUntil = double.PositiveInfinity; // new sound may follow
        return false;
    }

    private AudioBlock Rent(int samples) => AudioBlock.Rent(_stream!, _position, _format.SampleRate, samples);

    private void Pass(AudioBlock block)
    {
        _position += block.Samples.Length;
        Volatile.Write(ref _hasSounded, true);
        _before?.Add(block.Samples, _format.SampleRate);
        Done(output.WriteAsync(block, cancellation));
    }

    /// <summary>The clock follows what was heard up to the position.</summary>
    private void Follow(double heard)
    {
        var place = (double)_position / _format.SampleRate;
        if (!_clock.Heard(heard, place))
            return;
        if (_clock.DriftPpm is { } drift)
            health.DriftPpm = drift;
        if (options.CorrectsDrift)
            _stream!.Correct(
                place, _clock.Lag - (CorrectedOver * 1e-6 * _clock.DriftPpm.GetValueOrDefault()), CorrectedOver, MostCorrection);

        // Crystals drift by tens of parts per million, not by hundredths: sound was lost in pieces too small to see.
        if (_clock.Creep > options.Tolerance.TotalSeconds)
            Hold(double.PositiveInfinity, LossReason.Gap);
    }

    /// <summary>How long ago its last sample was heard.</summary>
    private double AgeOf(PcmChunk chunk, double now) => Math.Clamp(
        chunk.BootTime is { } boot ? now - (boot * 1e-9) : chunk.Captured is { } captured ? (time.GetUtcNow() - captured).TotalSeconds : 0,
            0, LongestAge);

    /// <summary>A live source's writes are done when they return.</summary>
    private static void Done(ValueTask write)
    {
        if (!write.IsCompleted)
            throw new InvalidOperationException("a live source was made to wait");
        write.GetAwaiter().GetResult();
    }
}
