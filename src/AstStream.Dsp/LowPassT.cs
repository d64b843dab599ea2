using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using AstStream.Dsp.Simd;

namespace AstStream.Dsp;

/// <summary>The filter over one kind of lanes. Its tables may be used by any number of threads.</summary>
internal sealed unsafe class LowPass<T> : LowPass
    where T : unmanaged, ILanes<T>
{
    private readonly Fft256<T> _fft = new();
    private readonly float[] _memory; // pinned
    private readonly float* _twiddles; // of every level, from the longest: for k = 1, 2, 3 cosines and sines
    private readonly float* _filterRe;
    private readonly float* _filterIm;

    public LowPass(KaiserSinc sinc, int up)
        : base(sinc, up)
    {
        _memory = GC.AllocateArray<float>((2 * Plane) + (6 * (Points / 4 * 4 / 3)) + 16, pinned: true);
        _filterRe = (float*)(((nuint)Unsafe.AsPointer(ref _memory[0]) + 63) & ~(nuint)63);
        _filterIm = _filterRe + Plane;
        _twiddles = _filterIm + Plane;
        var at = _twiddles;
        for (var span = Points / 4; span >= Fft256.N; span /= 4)
        {
            for (var k = 1; k < 4; k++, at += 2 * span)
            {
                for (var j = 0; j < span; j++)
                    (at[j], at[span + j]) = Fft256.Root(j * k % (4 * span), 4 * span);
            }
        }

        // The taps' transform, with the inverse's 1/N; both parts are in the order that Forward leaves them in.
        var scratch = (float*)NativeMemory.AlignedAlloc((nuint)(Scratch * sizeof(float)), 64);
        new Span<float>(scratch, 2 * Plane).Clear();
        for (var i = 0; i <= 2 * Half; i++)
        {
            // Even outputs are the real part, odd ones the imaginary part.
            scratch[i] = (float)(up * sinc.At(up * (i - Half)) / Points);
            if (up == 2)
                scratch[Plane + i] = (float)(up * sinc.At((up * (i - Half)) + 1) / Points);
        }

        Forward(scratch, scratch + Plane, _filterRe, _filterIm);
        NativeMemory.AlignedFree(scratch);
    }

    public override void Run(float* input, float* output, float* scratch)
    {
        float* re = scratch, im = re + Plane, re2 = im + Plane, im2 = re2 + Plane;
        new ReadOnlySpan<float>(input, Points).CopyTo(new Span<float>(re, Points));
        if (Up == 1)
            new ReadOnlySpan<float>(input + Block, Points).CopyTo(new Span<float>(im, Points));
        else
            new Span<float>(im, Points).Clear();
        Forward(re, im, re2, im2);
        Filter(re2, im2);

        // An inverse transform is a forward one with real and imaginary parts exchanged, before and after.
        for (var at = 0; at < Points; at += Fft256.N)
            _fft.Transform(im2 + at, re2 + at, im + at, re + at);
        for (var span = Fft256.N; span < Points; span *= 4)
        {
            for (var at = 0; at < Points; at += 4 * span)
                Join(im + at, re + at, span, Twiddles(span));
        }

        re += 2 * Half;
        im += 2 * Half;
        if (Up == 2)
        {
            Interleave((uint*)re, (uint*)im, (ulong*)output, Block);
            return;
        }

        new ReadOnlySpan<float>(re, Block).CopyTo(new Span<float>(output, Block));
        new ReadOnlySpan<float>(im, Block).CopyTo(new Span<float>(output + Block, Block));
        GC.KeepAlive(_memory);
    }

    /// <summary>Pairs of floats, by their bits: each the lower and the upper half of one wider number.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Interleave(uint* even, uint* odd, ulong* pairs, int count)
    {
        var i = 0;
        for (; i <= count - Vector<uint>.Count; i += Vector<uint>.Count)
        {
            Vector.Widen(Vector.Load(even + i), out var lowEven, out var highEven);
            Vector.Widen(Vector.Load(odd + i), out var lowOdd, out var highOdd);
            Vector.Store(lowEven | (lowOdd << 32), pairs + i);
            Vector.Store(highEven | (highOdd << 32), pairs + i + Vector<ulong>.Count);
        }

        for (; i < count; i++)
            pairs[i] = even[i] | ((ulong)odd[i] << 32);
    }

    /// <summary>Where the twiddles of a level begin: those of longer spans come first.</summary>
    private float* Twiddles(int span)
    {
        var at = _twiddles;
        for (var longer = Points / 4; longer > span; longer /= 4)
            at += 6 * longer;
        return at;
    }

    private void Forward(float* re, float* im, float* re2, float* im2)
    {
        for (var span = Points / 4; span >= Fft256.N; span /= 4)
        {
            for (var at = 0; at < Points; at += 4 * span)
                Split(re + at, im + at, span, Twiddles(span));
        }

        for (var at = 0; at < Points; at += Fft256.N)
            _fft.Transform(re + at, im + at, re2 + at, im2 + at);
    }

    /// <summary>A level of radix 4, decimation in frequency: 4-point FFTs over the span, the results times W^(j·k).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Split(float* re, float* im, int span, float* w)
    {
        for (var j = 0; j < span; j += T.Count)
        {
            float* r = re + j, i = im + j;
            Fft256<T>.Butterfly(r, i, span, out var r0, out var i0, out var r1, out var i1, out var r2, out var i2, out var r3, out var i3);
            r0.Store(r);
            i0.Store(i);
            Fft256<T>.Multiply(r1, i1, T.Load(w + j), T.Load(w + span + j), r + span, i + span);
            Fft256<T>.Multiply(r2, i2, T.Load(w + (2 * span) + j), T.Load(w + (3 * span) + j), r + (2 * span), i + (2 * span));
            Fft256<T>.Multiply(r3, i3, T.Load(w + (4 * span) + j), T.Load(w + (5 * span) + j), r + (3 * span), i + (3 * span));
        }
    }

    /// <summary>A level of radix 4, decimation in time: W^(j·k) first, then the 4-point FFTs.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void Join(float* re, float* im, int span, float* w)
    {
        for (var j = 0; j < span; j += T.Count)
        {
            float* r = re + j, i = im + j;
            Fft256<T>.Multiply(T.Load(r + span), T.Load(i + span), T.Load(w + j), T.Load(w + span + j), r + span, i + span);
            Fft256<T>.Multiply(
                T.Load(r + (2 * span)), T.Load(i + (2 * span)), T.Load(w + (2 * span) + j), T.Load(w + (3 * span) + j), r + (2 * span),
                i + (2 * span));
            Fft256<T>.Multiply(
                T.Load(r + (3 * span)), T.Load(i + (3 * span)), T.Load(w + (4 * span) + j), T.Load(w + (5 * span) + j), r + (3 * span),
                i + (3 * span));
            Fft256<T>.Butterfly(r, i, span, out var r0, out var i0, out var r1, out var i1, out var r2, out var i2, out var r3, out var i3);
            r0.Store(r);
            i0.Store(i);
            r1.Store(r + span);
            i1.Store(i + span);
            r2.Store(r + (2 * span));
            i2.Store(i + (2 * span));
            r3.Store(r + (3 * span));
            i3.Store(i + (3 * span));
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Filter(float* re, float* im)
    {
        for (var i = 0; i < Points; i += T.Count)
            Fft256<T>.Multiply(T.Load(re + i), T.Load(im + i), T.Load(_filterRe + i), T.Load(_filterIm + i), re + i, im + i);
    }
}
