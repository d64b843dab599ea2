using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

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

    private readonly string _name;
    private readonly PcmFormat _format;
    private readonly int _first;
    private readonly int _count;
    private readonly bool _isPlain; // one channel, and nothing between its samples
    private readonly long[] _silent; // frames for which a channel has been zero, of the channels that are heard

    /// <summary>Makes a decoder; <paramref name="channel"/> picks a channel from 0, null mixes all down. <see cref="SimdKernel.Scalar"/> forces it to go one by one.</summary>
    /// <exception cref="InvalidAudioException">The format or the channel is out of range.</exception>
    public PcmDecoder(PcmFormat format, int? channel = null, string name = "PCM", SimdKernel? kernel = null)
    {
        format.Validate(name, channel);
        _name = name;
        _format = format;
        _first = channel ?? 0;
        _count = channel is null ? format.Channels : 1;
        _silent = new long[_count];
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

    /// <summary>The warning to give about them at the end; null where there are none.</summary>
    public string? Warning => InvalidSamples > 0 ? $"{_name}: {InvalidSamples} samples were not finite or absurdly large; they were read as silence or clamped" : null;

    /// <summary>The channels, from 0, of those that are heard, that have been digitally silent for at least so many frames.</summary>
    public IEnumerable<int> SilentChannels(long frames) => Enumerable.Range(0, _count).Where(c => _silent[c] >= frames).Select(c => _first + c);

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
        for (var c = 0; c < _count; c++)
            _silent[c] = Silent<T>(bytes, at + (c * width), samples.Length, _silent[c]);
        if (_count == 1)
        {
            var i = _isPlain ? T.ReadMany(bytes, samples) : 0;
            for (at += i * stride; i < samples.Length; i++, at += stride)
                samples[i] = Read<T>(bytes[at..]);
            return;
        }

        var scale = 1f / _count;
        for (var i = 0; i < samples.Length; i++, at += stride)
        {
            var sum = 0f;
            for (var c = 0; c < _count; c++)
                sum += Read<T>(bytes[(at + (c * width))..]);
            samples[i] = sum * scale;
        }
    }

    /// <summary>The frames at the end that are zero in one channel, counted on from before where all are. A channel that sounds is told by its last sample.</summary>
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
        public static float Read(ReadOnlySpan<byte> bytes) => (float)Math.Clamp(MemoryMarshal.Read<double>(bytes), float.MinValue, float.MaxValue);

        public static bool IsFloat => true;
    }
}
