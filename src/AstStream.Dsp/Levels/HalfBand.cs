using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace AstStream.Dsp.Levels;

/// <summary>
/// Halves the rate: a linear-phase low-pass filter of which every second tap is zero, so that samples of even number meet taps, and of
/// those of odd number only the one in the middle counts.
/// </summary>
internal sealed class HalfBand
{
    private const double Attenuation = 75; // dB: bands ask for 60, class 1 ones for 70

    private readonly float[] _taps; // of even samples
    private readonly float[] _even; // that are not used up
    private readonly float[] _odd;
    private int _evens; // how many these are
    private int _odds;

    /// <summary>Makes the filter.</summary>
    /// <param name="pass">Flat up to there, in cycles a sample; nothing from 0.5 less that on.</param>
    public HalfBand(double pass)
    {
        var sinc = new KaiserSinc(pass, 0.5 - pass, Attenuation);
        var half = (int)Math.Ceiling(sinc.Half) | 1;
        _taps = new float[half + 1];
        for (var i = 0; i <= half; i++)
            _taps[i] = (float)sinc.At((2 * i) - half);
        (_even, _odd) = (new float[half + 1], new float[half + 1]);
        Reset();
    }

    /// <summary>Takes samples; returns how many it gave, about half as many.</summary>
    /// <param name="samples">The samples.</param>
    /// <param name="output">Room for half as many and one.</param>
    /// <param name="room">Room to work in: <see cref="Room"/> floats.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public int Run(ReadOnlySpan<float> samples, Span<float> output, Span<float> room)
    {
        var evens = room[..(room.Length / 2)];
        var odds = room[(room.Length / 2)..];
        _even.CopyTo(evens);
        _odd.CopyTo(odds);
        var (even, odd) = (_evens, _odds);
        if (even > odd && !samples.IsEmpty)
        {
            odds[odd++] = samples[0];
            samples = samples[1..];
        }

        for (; samples.Length > 1; samples = samples[2..])
            (evens[even++], odds[odd++]) = (samples[0], samples[1]);
        if (!samples.IsEmpty)
            evens[even++] = samples[0];
        var count = Math.Max(0, even - _taps.Length + 1);
        Filter(evens, odds[((_taps.Length / 2) - 1)..], output[..count]);
        (_evens, _odds) = (even - count, odd - count);
        evens[count..even].CopyTo(_even);
        odds[count..odd].CopyTo(_odd);
        return count;
    }

    /// <summary>How much room it needs to work in for so many samples.</summary>
    public int Room(int samples) => 2 * (_taps.Length + (samples / 2) + 2);

    /// <summary>Forgets what came before: silence did.</summary>
    public void Reset()
    {
        _evens = _odds = _taps.Length - 1;
        Array.Clear(_even);
        Array.Clear(_odd);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Filter(ReadOnlySpan<float> even, ReadOnlySpan<float> middle, Span<float> output)
    {
        var width = Vector<float>.Count;
        var half = new Vector<float>(0.5f);
        var i = 0;
        for (; i <= output.Length - (4 * width); i += 4 * width)
        {
            ref var first = ref MemoryMarshal.GetReference(even[i..]);
            var y0 = half * new Vector<float>(middle[i..]);
            var y1 = half * new Vector<float>(middle[(i + width)..]);
            var y2 = half * new Vector<float>(middle[(i + (2 * width))..]);
            var y3 = half * new Vector<float>(middle[(i + (3 * width))..]);
            for (var t = 0; t < _taps.Length; t++)
            {
                var tap = new Vector<float>(_taps[t]);
                y0 = Vector.FusedMultiplyAdd(tap, Vector.LoadUnsafe(ref first, (nuint)t), y0);
                y1 = Vector.FusedMultiplyAdd(tap, Vector.LoadUnsafe(ref first, (nuint)(t + width)), y1);
                y2 = Vector.FusedMultiplyAdd(tap, Vector.LoadUnsafe(ref first, (nuint)(t + (2 * width))), y2);
                y3 = Vector.FusedMultiplyAdd(tap, Vector.LoadUnsafe(ref first, (nuint)(t + (3 * width))), y3);
            }

            y0.CopyTo(output[i..]);
            y1.CopyTo(output[(i + width)..]);
            y2.CopyTo(output[(i + (2 * width))..]);
            y3.CopyTo(output[(i + (3 * width))..]);
        }

        for (; i < output.Length; i++)
            output[i] = (0.5f * middle[i]) + Dot(_taps, even.Slice(i, _taps.Length));
    }

    private static float Dot(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        Vector<float> sum = default;
        var i = 0;
        for (; i <= a.Length - Vector<float>.Count; i += Vector<float>.Count)
            sum = Vector.FusedMultiplyAdd(new Vector<float>(a[i..]), new Vector<float>(b[i..]), sum);
        var total = Vector.Sum(sum);
        for (; i < a.Length; i++)
            total += a[i] * b[i];
        return total;
    }
}
