using AstStream.Dsp;
using AstStream.Streaming;

namespace AstStream.Connectors.Capture;

/// <summary>
/// One live stream's way into the graph: decoded, and put where it belongs in the stream's time. Sound that joins what came before goes
/// on at once. Behind a break it is held for a moment, until it is plain whether it was late or time is missing. For one caller at a time.
/// </summary>
internal sealed class LiveStream(SourceOutput output, SourceHealth health, LiveOptions options, TimeProvider time)
{
    private const int BlocksPerSecond = 10; // that held sound is cut into
    private const int LongestHold = 60; // seconds of sound
    private const double CorrectedOver = 60; // seconds
    private const double MostCorrection = 0.001; // seconds in a second

    private readonly CaptureClock _clock = new();
    private StreamInfo? _stream;
    private PcmDecoder _decoder = null!;
    private PcmFormat _format;
    private long _position; // samples at the format's rate, from the stream's start
    private float[] _held = [];
    private int _heldCount;
    private double _heldUntil; // 0: nothing is held
    private double _lastArrival;
    private LossReason _reason; // of the time that may be missing before what is held
    private bool _isBroken; // what is held does not join, whatever the clock says
    private bool _isReopened;

    /// <summary>Whether any sound has come.</summary>
    public bool HasBegun => _stream is not null;

    /// <summary>The clock's seconds when sound last came.</summary>
    public double LastArrival => Volatile.Read(ref _lastArrival);

    /// <summary>Odd samples, channels that are dead; null where all is well.</summary>
    public string? Warning => _decoder?.Warning;

    private double Now => time.GetTimestamp() / (double)time.TimestampFrequency;

    /// <summary>The way to it is open; what comes next does not join what came before.</summary>
    /// <exception cref="InvalidAudioException">The format has no such channel.</exception>
    public void Open(PcmFormat format)
    {
        _decoder = new PcmDecoder(format, options.Channel, output.Source);
        if (_stream is not null && format.SampleRate != _format.SampleRate)
            _position = ((_position * format.SampleRate) + _format.SampleRate - 1) / _format.SampleRate;
        _format = format;
        Volatile.Write(ref _lastArrival, Now);
        _heldUntil = double.PositiveInfinity; // the wait begins with the first sound
        _reason = _reason == LossReason.None ? LossReason.DeviceAway : _reason;
        _isBroken = true;
        _isReopened = HasBegun;
    }

    /// <summary>The way to it is gone. What was held is passed on.</summary>
    /// <param name="reason">What the time counts as from here on.</param>
    /// <param name="cancellation">Gives up.</param>
    public async ValueTask CloseAsync(LossReason reason, CancellationToken cancellation)
    {
        if (_heldUntil > 0)
            await ReleaseAsync(cancellation).ConfigureAwait(false);
        _reason = reason;
    }

    /// <summary>Takes what came.</summary>
    public ValueTask AcceptAsync(PcmChunk chunk, CancellationToken cancellation)
    {
        var now = Now;
        var age = chunk.Captured is { } captured ? Math.Clamp((time.GetUtcNow() - captured).TotalSeconds, 0, 60) : 0;
        var frames = chunk.Bytes.Length / _format.BytesPerFrame;
        var wait = now - LastArrival;
        Volatile.Write(ref _lastArrival, now);
        if (chunk.IsBreak)
        {
            health.Overrun();
            Hold(LossReason.Overrun);
            _isBroken = true;
        }
        else if (wait > options.StalledAfter.TotalSeconds)
        {
            Hold(LossReason.Stalled);
        }

        if (double.IsPositiveInfinity(_heldUntil))
            _heldUntil = now + options.Settle.TotalSeconds;
        if (_heldUntil == 0)
            return PassAsync(chunk.Bytes, frames, now, age, cancellation);
        if (_held.Length < _heldCount + frames)
            Array.Resize(ref _held, Math.Max(_heldCount + frames, _held.Length * 2));
        _heldCount += _decoder.Decode(chunk.Bytes.Span, _held.AsSpan(_heldCount, frames));
        return now >= _heldUntil || _heldCount > LongestHold * _format.SampleRate ? ReleaseAsync(cancellation, age) : ValueTask.CompletedTask;
    }

    /// <summary>While nothing can come: the time up to now is lost.</summary>
    public async ValueTask SkipToNowAsync(CancellationToken cancellation)
    {
        if (_stream is null)
            return;
        var next = (long)(_clock.PlaceAt(Now) * _format.SampleRate);
        if (next <= _position)
            return;
        _position = next;
        await output.SkipAsync(_stream, _format.SampleRate, next, _reason, cancellation).ConfigureAwait(false);
    }

    /// <summary>The stream is over.</summary>
    public async ValueTask EndAsync(CancellationToken cancellation)
    {
        if (_heldUntil > 0)
            await ReleaseAsync(cancellation).ConfigureAwait(false);
        if (_stream is not null)
            await output.EndAsync(_stream, _format.SampleRate, _position, cancellation).ConfigureAwait(false);
    }

    /// <summary>The channels of a mix that have been silent for as long as makes a source silent, while others sound.</summary>
    public IReadOnlyList<int> DeadChannels() =>
        _format.Channels > 1 && options.Channel is null && health.State == SourceState.Running ? [.. _decoder.SilentChannels((long)(SourceHealth.SilentAfter * _format.SampleRate))] : [];

    private void Hold(LossReason reason)
    {
        if (_heldUntil == 0)
            (_heldUntil, _reason) = (Now + options.Settle.TotalSeconds, reason);
    }

    private ValueTask PassAsync(ReadOnlyMemory<byte> bytes, int frames, double now, double age, CancellationToken cancellation)
    {
        var block = AudioBlock.Rent(_stream!, _position, _format.SampleRate, frames);
        _decoder.Decode(bytes.Span, block.Samples);
        _position += frames;
        Heard(now - age);
        return output.WriteAsync(block, cancellation);
    }

    /// <summary>Passes on what is held, put where it belongs.</summary>
    private async ValueTask ReleaseAsync(CancellationToken cancellation, double age = 0)
    {
        var rate = _format.SampleRate;
        var first = 0;
        var heard = Now - age;
        _heldUntil = 0;
        if (_heldCount == 0)
            return;
        if (_stream is null)
        {
            var seconds = (double)_heldCount / rate;
            _stream = new StreamInfo(output.Source, output.Source, time.GetUtcNow() - TimeSpan.FromSeconds(seconds + age)) { Health = health };
            _clock.Begin(heard, seconds);
        }
        else
        {
            var missing = (long)Math.Round(_clock.PlaceAt(heard) * rate) - _heldCount - _position;
            if (_isBroken || missing > options.Tolerance.TotalSeconds * rate)
            {
                // What a server sends again after a break has been heard, or is counted as lost already.
                if (missing < 0 && _isReopened)
                    first = (int)Math.Min(-missing, _heldCount);
                _position += Math.Max(0, missing);
                await output.SkipAsync(_stream, rate, _position, _reason, cancellation).ConfigureAwait(false);
                _clock.Break(heard);
            }
        }

        if (_isReopened)
            health.Reconnected();
        (_isBroken, _isReopened, _reason) = (false, false, LossReason.None);
        for (var size = Math.Max(1, rate / BlocksPerSecond); first < _heldCount; first += size)
        {
            var part = _held.AsMemory(first, Math.Min(size, _heldCount - first));
            var block = AudioBlock.Rent(_stream, _position, rate, part.Length);
            part.Span.CopyTo(block.Samples);
            _position += part.Length;
            await output.WriteAsync(block, cancellation).ConfigureAwait(false);
        }

        _heldCount = 0;
        if (_held.Length > 4 * rate)
            _held = []; // a burst
        Heard(heard);
    }

    private void Heard(double now)
    {
        var place = (double)_position / _format.SampleRate;
        if (!_clock.Heard(now, place))
            return;
        if (_clock.DriftPpm is { } drift)
            health.DriftPpm = drift;
        if (options.CorrectsDrift)
            _stream!.Correct(place, _clock.Lag - (CorrectedOver * 1e-6 * _clock.DriftPpm.GetValueOrDefault()), CorrectedOver, MostCorrection);

        // Crystals drift by tens of parts per million, not by hundredths: sound was lost in pieces too small to see.
        if (_clock.Creep > options.Tolerance.TotalSeconds)
            Hold(LossReason.Gap);
    }
}
