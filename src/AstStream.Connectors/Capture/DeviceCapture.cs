using System.Diagnostics;
using AstStream.Connectors.Programs;
using AstStream.Dsp;
using PortAudioSharp;
using PortAudioStream = PortAudioSharp.Stream;

namespace AstStream.Connectors.Capture;

/// <summary>
/// An open device. Its callback copies into a ring and returns: it allocates nothing, takes no lock and tells nobody; one reader looks into
/// the ring when it likes.
/// </summary>
internal sealed unsafe class DeviceCapture : IDisposable
{
    private const int RingSeconds = 4;
    private const int FewestOfServer = 2;
    private const int RealChannels = 16; // who offers more is a sound server that makes as many as it is asked for

    private static readonly int[] s_rates = [48000, 44100, 16000, 32000, 96000, 22050, 8000, 192000];

    private readonly PortAudioStream _stream;
    private readonly float[] _ring;
    private readonly int _channels;

    // The callback's.
    private long _written; // floats
    private long _time; // of the last callback
    private bool _isDropping;
    private long _breakAt = -1; // where samples are missing; the reader takes it back

    // The reader's.
    private long _read; // floats

    /// <summary>Opens a device and starts it.</summary>
    /// <param name="device">The device.</param>
    /// <param name="channels">How many channels to open; where not given all of a device's own, and two of a sound server: one alone would
    /// be its own mix.</param>
    /// <param name="leastChannels">How many must be open at least.</param>
    /// <param name="sampleRate">The rate; where not given its own, or one that it takes.</param>
    /// <param name="latency">How much sound it may hold back.</param>
    /// <exception cref="LinkException">It can't be opened.</exception>
    public DeviceCapture(AudioDevice device, int? channels, int leastChannels, int? sampleRate, TimeSpan latency)
    {
        if (Math.Max(channels ?? 0, leastChannels) is var least && least > device.Channels)
            throw new LinkException(
                $"'{device}' has {device.Channels} channel{(device.Channels == 1 ? "" : "s")}; channel {least - 1} was asked for, and "
                    + $"they are numbered from 0")
            { IsFinal = true };
        var wanted = channels ?? Math.Max(leastChannels, device.Channels <= RealChannels ? device.Channels : FewestOfServer);
        int[] counts = channels is null ? [wanted, .. new[] { 2, 1, device.Channels }.Where(
            c => c >= Math.Min(leastChannels, device.Channels) && c != wanted && c <= device.Channels)] : [wanted];
        int[] rates = sampleRate is { } fixedRate
            ? [fixedRate]
            : [.. s_rates.Prepend((int)device.SampleRate)
            .Where(r => r is >= PcmFormat.MinSampleRate and <= PcmFormat.MaxSampleRate).Distinct()];
        var tries = counts.SelectMany(c => rates.Select(r => (Channels: c, Rate: r)));
        PortAudioException? first = null;
        foreach (var (count, rate) in tries)
        {
            (_channels, SampleRate) = (count, rate);
            _ring = new float[RingSeconds * rate * count];
            try
            {
                var parameters = new StreamParameters
                {
                    device = device.Index,
                    channelCount = count,
                    sampleFormat = SampleFormat.Float32,
                    suggestedLatency = latency.TotalSeconds
                };
                _stream = new PortAudioStream(
                    parameters, null, rate, PortAudio.FramesPerBufferUnspecified, StreamFlags.ClipOff | StreamFlags.DitherOff, OnSound,
                    this);
                _stream.Start();
                return;
            }
            catch (PortAudioException e)
            {
                first ??= e;
                if (e.ErrorCode is not (ErrorCode.InvalidSampleRate or ErrorCode.InvalidChannelCount or ErrorCode.SampleFormatNotSupported))
                    break;
            }
        }

        var said = PortAudio.GetErrorText(first!.ErrorCode);
        throw new LinkException(first.ErrorCode switch
        {
            ErrorCode.DeviceUnavailable => $"'{device}' is in use by another program, or gone ({said})",
            ErrorCode.InvalidSampleRate or ErrorCode.InvalidChannelCount or ErrorCode.SampleFormatNotSupported =>
                $"'{device}' takes neither of {string.Join(", ", rates)} Hz with {string.Join(" or ", counts)} channels ({said})",
            _ => $"'{device}' can't be opened ({said})",
        });
    }

    /// <summary>Samples a second.</summary>
    public int SampleRate { get; }

    /// <summary>How the samples are written.</summary>
    public PcmFormat Format => new(PcmEncoding.F32, SampleRate, _channels);

    /// <summary>Whether it still runs, as PortAudio sees it.</summary>
    public bool IsActive => _stream.IsActive;

    /// <summary>Takes what has come, at most as much as there is room for, as whole frames.</summary>
    /// <param name="samples">Room for interleaved samples.</param>
    /// <param name="isBreak">Whether samples are missing before these.</param>
    /// <param name="age">How long ago the last one of them was heard.</param>
    public int Read(Span<float> samples, out bool isBreak, out TimeSpan age)
    {
        var written = Volatile.Read(ref _written);
        var time = Volatile.Read(ref _time);
        var breakAt = Volatile.Read(ref _breakAt);
        isBreak = breakAt >= 0 && breakAt <= _read && written > _read;
        if (isBreak)
            Interlocked.CompareExchange(ref _breakAt, -1, breakAt);
        var end = !isBreak && breakAt > _read ? Math.Min(breakAt, written) : written;
        var count = (int)Math.Min(end - _read, samples.Length / _channels * _channels);
        var at = (int)(_read % _ring.Length);
        var part = Math.Min(count, _ring.Length - at);
        _ring.AsSpan(at, part).CopyTo(samples);
        _ring.AsSpan(0, count - part).CopyTo(samples[part..]);
        Volatile.Write(ref _read, _read + count);
        age = Stopwatch.GetElapsedTime(time) + TimeSpan.FromSeconds((double)(written - _read) / _channels / SampleRate);
        return count;
    }

    public void Dispose()
    {
        try
        {
            _stream.Abort();
        }
        catch (PortAudioException)
        {
            // It had stopped.
        }

        _stream.Dispose();
    }

    private StreamCallbackResult OnSound(
        IntPtr input, IntPtr output, uint frameCount, ref StreamCallbackTimeInfo timeInfo, StreamCallbackFlags flags, IntPtr userData)
    {
        var count = (int)frameCount * _channels;
        var written = _written;
        var isFull = written + count - Volatile.Read(ref _read) > _ring.Length;
        if (isFull || _isDropping || (flags & StreamCallbackFlags.InputOverflow) != 0)
        {
            // One place can be marked; until that is taken, what comes after another loss is lost too.
            _isDropping = Volatile.Read(ref _breakAt) >= 0;
            if (!_isDropping)
                Volatile.Write(ref _breakAt, written);
        }

        if (isFull || _isDropping || input == IntPtr.Zero)
            return StreamCallbackResult.Continue;
        var samples = new ReadOnlySpan<float>((void*)input, count);
        var at = (int)(written % _ring.Length);
        var part = Math.Min(count, _ring.Length - at);
        samples[..part].CopyTo(_ring.AsSpan(at));
        samples[part..].CopyTo(_ring);
        Volatile.Write(ref _time, Stopwatch.GetTimestamp());
        Volatile.Write(ref _written, written + count);
        return StreamCallbackResult.Continue;
    }
}
