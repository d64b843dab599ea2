using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;
using AstStream.Dsp.Simd;

namespace AstStream.Dsp;

/// <summary>
/// Turns interleaved PCM bytes into mono floats in [-1, 1]: all channels mixed down (their mean) or one picked.
/// Floats that are not finite become 0 and absurd ones are clamped, so that one bad sample can't spoil a whole window.
/// One channel of 16-bit or float samples, what most sound comes as, is decoded in vectors, to the same bits as one by one.
/// </summary>
public sealed class PcmDecoder
{
    /// <summary>Float samples beyond ± this are clamped to it: their power would overflow.</summary>
    public const float MaxMagnitude = 1e6f;

    private const double LeastPower = 1e-7; // of a channel that sounds: -70 dBFS

    private readonly string _name;
    private readonly PcmFormat _format;
    private readonly int _first;
    private readonly int _count;
    private readonly bool _isPlain; // one channel, and nothing between its samples
    private readonly long[] _silent; // frames for which a channel has been zero
    private long _mixed; // frames
    private double _mixPower; // sums of squares over these
    private double _channelPower; // over all channels

    /// <summary>
    /// Makes a decoder; <paramref name="channel"/> picks a channel from 0, null mixes all down. <see cref="SimdKernel.Scalar"/> forces it
    /// to go one by one.
    /// </summary>
    /// <exception cref="InvalidAudioException">The format or the channel is out of range.</exception>
    public PcmDecoder(PcmFormat format, int? channel = null, string name = "PCM", SimdKernel? kernel = null)
    {
        format.Validate(name, channel);
        _name = name;
        _format = format;
        _first = channel ?? 0;
        _count = channel is null ? format.Channels : 1;
        _silent = new long[format.Channels];
        _isPlain = format.Channels == 1 && BitConverter.IsLittleEndian && (kernel ?? SimdKernels.Default) != SimdKernel.Scalar;
    }

    private interface ISample
    {
        static virtual bool IsFloat => false;

        static abstract float Read(ReadOnlySpan<byte> bytes);

        /// <summary>Decodes what it can in vectors, from the front; how many samples it has decoded.</summary>
        static virtual int ReadMany(ReadOnlySpan<byte> bytes, Span<float> samples) => 0;
    }

    /// <summary>Float samples so far that were not finite or were clamped.</summary>
    public long InvalidSamples { get; private set; }

    /// <summary>The warning to give at the end: about them, and about a mix that destroys the sound; null where all is well.</summary>
    public string? Warning
    {
        get
        {
            List<string> parts = InvalidSamples > 0 ? [$"{InvalidSamples} samples were not finite or absurdly large; they were read as "
                + $"silence or clamped"] : [];
            if (MixWarning is { } mix)
                parts.Add(mix);
            return parts.Count > 0 ? $"{_name}: {string.Join("; ", parts)}" : null;
        }
    }

    /// <summary>
    /// Says that the mix of the channels is far quieter than they are: they cancel each other out, as where one is wired the wrong way
    /// round. Null where it is not, where nothing is mixed, or not enough was heard.
    /// </summary>
    public string? MixWarning
    {
        get
        {
            var (mix, one) = (_mixPower / Math.Max(1, _mixed), _channelPower / Math.Max(1, _mixed) / _count);
            if (_count < 2 || _mixed < _format.SampleRate / 2 || one < LeastPower || mix * (10 * _count) > one)
                return null;
            var loss = mix > 0 ? FormattableString.Invariant($"{10 * Math.Log10(one / mix):0} dB quieter than they are") : "silence";
            return $"the mix of its {_count} channels is {loss}: they cancel each other out; channel: 0 hears one alone";
        }
    }

    /// <summary>The channels, from 0, that have been digitally silent for at least so many frames.</summary>
    public IEnumerable<int> SilentChannels(long frames) => Enumerable.Range(0, _silent.Length).Where(c => _silent[c] >= frames);

    /// <summary>Decodes the whole frames of <paramref name="bytes"/> that fit and returns their number.</summary>
    public int Decode(ReadOnlySpan<byte> bytes, Span<float> samples)
    {
        var frames = Math.Min(bytes.Length / _format.BytesPerFrame, samples.Length);
        switch (_format.Encoding)
        {
            case PcmEncoding.U8:
                Decode<U8>(bytes, samples[..frames]);
                break;
            case PcmEncoding.S16:
                Decode<S16>(bytes, samples[..frames]);
                break;
            case PcmEncoding.S24:
                Decode<S24>(bytes, samples[..frames]);
                break;
            case PcmEncoding.S32:
                Decode<S32>(bytes, samples[..frames]);
                break;
            case PcmEncoding.F32:
                Decode<F32>(bytes, samples[..frames]);
                break;
            default:
                Decode<F64>(bytes, samples[..frames]);
                break;
        }

        return frames;
    }

    private void Decode<T>(ReadOnlySpan<byte> bytes, Span<float> samples)
        where T : struct, ISample
    {
        var width = _format.BytesPerSample;
        var stride = _format.BytesPerFrame;
        var at = _first * width;
        for (var c = 0; c < _silent.Length; c++)
            _silent[c] = Silent<T>(bytes, c * width, samples.Length, _silent[c]);
        if (_count == 1)
        {
            var i = _isPlain ? T.ReadMany(bytes, samples) : 0;
            for (at += i * stride; i < samples.Length; i++, at += stride)
                samples[i] = Read<T>(bytes[at..]);
            return;
        }

        var scale = 1f / _count;
        var (mix, channels) = (0.0, 0.0);
        for (var i = 0; i < samples.Length; i++, at += stride)
        {
            var (sum, squares) = (0f, 0f);
            for (var c = 0; c < _count; c++)
            {
                var sample = Read<T>(bytes[(at + (c * width))..]);
                sum += sample;
                squares += sample * sample;
            }

            samples[i] = sum * scale;
            mix += samples[i] * samples[i];
            channels += squares;
        }

        _mixed += samples.Length;
        _mixPower += mix;
        _channelPower += channels;
    }

    /// <summary>
    /// The frames at the end that are zero in one channel, counted on from before where all are. A channel that sounds is known by its last
    /// sample.
    /// </summary>
    private long Silent<T>(ReadOnlySpan<byte> bytes, int at, int frames, long before)
        where T : struct, ISample
    {
        for (var i = frames - 1; i >= 0; i--)
        {
            if (T.Read(bytes[(at + (i * _format.BytesPerFrame))..]) != 0)
                return frames - 1 - i;
        }

        return before + frames;
    }

    private float Read<T>(ReadOnlySpan<byte> bytes)
        where T : struct, ISample
    {
        var sample = T.Read(bytes);
        if (!T.IsFloat || MathF.Abs(sample) <= MaxMagnitude)
            return sample;
        InvalidSamples++;
        return float.IsFinite(sample) ? MathF.CopySign(MaxMagnitude, sample) : 0;
    }

    private readonly struct U8 : ISample
    {
        public static float Read(ReadOnlySpan<byte> bytes) => (bytes[0] - 128) / 128f;
    }

    private readonly struct S16 : ISample
    {
        public static float Read(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadInt16LittleEndian(bytes) / 32768f;

        public static int ReadMany(ReadOnlySpan<byte> bytes, Span<float> samples)
        {
            var values = MemoryMarshal.Cast<byte, short>(bytes)[..samples.Length];
            var i = 0;
            for (; i <= values.Length - Vector<short>.Count; i += Vector<short>.Count)
            {
                Vector.Widen(new Vector<short>(values[i..]), out var low, out var high);
                (Vector.ConvertToSingle(low) * (1 / 32768f)).CopyTo(samples[i..]);
                (Vector.ConvertToSingle(high) * (1 / 32768f)).CopyTo(samples[(i + Vector<float>.Count)..]);
            }

            return i;
        }
    }

    private readonly struct S24 : ISample
    {
        public static float Read(ReadOnlySpan<byte> bytes) => ((bytes[0] << 8) | (bytes[1] << 16) | (bytes[2] << 24)) / 2147483648f;
    }

    private readonly struct S32 : ISample
    {
        public static float Read(ReadOnlySpan<byte> bytes) => BinaryPrimitives.ReadInt32LittleEndian(bytes) / 2147483648f;
    }

    private readonly struct F32 : ISample
    {
        public static float Read(ReadOnlySpan<byte> bytes) => MemoryMarshal.Read<float>(bytes);

        /// <summary>Up to the first vector with a sample that is out of range, or none (NaN).</summary>
        public static int ReadMany(ReadOnlySpan<byte> bytes, Span<float> samples)
        {
            var values = MemoryMarshal.Cast<byte, float>(bytes)[..samples.Length];
            var most = new Vector<float>(MaxMagnitude);
            var i = 0;
            for (; i <= values.Length - Vector<float>.Count; i += Vector<float>.Count)
            {
                var vector = new Vector<float>(values[i..]);
                if (!Vector.LessThanOrEqualAll(Vector.Abs(vector), most))
                    break;
                vector.CopyTo(samples[i..]);
            }

            return i;
        }

        public static bool IsFloat => true;
    }

    private readonly struct F64 : ISample
    {
        public static float Read(ReadOnlySpan<byte> bytes) =>
            (float)Math.Clamp(MemoryMarshal.Read<double>(bytes), float.MinValue, float.MaxValue);

        public static bool IsFloat => true;
    }
}
