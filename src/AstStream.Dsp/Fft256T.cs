using System.Runtime.CompilerServices;
using AstStream.Dsp.Simd;

namespace AstStream.Dsp;

/// <summary>
/// A 256-point complex FFT, real and imaginary parts apart, as 16×16: down the columns, times W256^(row·column), transposed, down the
/// columns again. Its tables may be used by any number of threads.
/// </summary>
internal sealed unsafe class Fft256<T>
    where T : unmanaged, ILanes<T>
{
    private readonly float[] _memory; // pinned
    private readonly float* _twiddle16; // W16^(n·k) for n, k in 0..3: cos, sin pairs
    private readonly float* _twiddleRe; // W256^(row·column), 16×16
    private readonly float* _twiddleIm;

    public Fft256()
    {
        _memory = GC.AllocateArray<float>(32 + (2 * Fft256.N) + 16, pinned: true);
        _twiddleRe = (float*)(((nuint)Unsafe.AsPointer(ref _memory[0]) + 63) & ~(nuint)63); // whole cache lines
        _twiddleIm = _twiddleRe + Fft256.N;
        _twiddle16 = _twiddleIm + Fft256.N;
        for (var n = 0; n < 4; n++)
            for (var k = 0; k < 4; k++)
                (_twiddle16[2 * ((4 * n) + k)], _twiddle16[(2 * ((4 * n) + k)) + 1]) = Fft256.Root(n * k, 16);
        for (var row = 0; row < 16; row++)
            for (var column = 0; column < 16; column++)
                (_twiddleRe[(16 * row) + column], _twiddleIm[(16 * row) + column]) = Fft256.Root(row * column, Fft256.N);
    }

    /// <summary>Transforms (re, im) into (re2, im2), all in natural order and of 256 floats; (re, im) are scratch afterwards.</summary>
    public void Transform(float* re, float* im, float* re2, float* im2)
    {
        ColumnsFirst(re, im);
        ColumnsSecondTwiddled(re, im, re2, im2);
        T.Transpose16(re2, re);
        T.Transpose16(im2, im);
        ColumnsFirst(re, im);
        ColumnsSecond(re, im, re2, im2);
        GC.KeepAlive(_memory);
    }

    /// <summary>
    /// First half of sixteen 16-point FFTs down the columns of a 16×16 matrix, in place: 4-point FFTs of every fourth row,
    /// each result times W16^(n·k). The halves are methods of their own because the JIT stops inlining in larger ones.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ColumnsFirst(float* re, float* im)
    {
        for (var n = 0; n < 4; n++)
        {
            var w = _twiddle16 + (8 * n);
            T c1 = T.Broadcast(w[2]), s1 = T.Broadcast(w[3]);
            T c2 = T.Broadcast(w[4]), s2 = T.Broadcast(w[5]);
            T c3 = T.Broadcast(w[6]), s3 = T.Broadcast(w[7]);
            for (var c = 0; c < 16; c += T.Count)
            {
                float* r = re + (16 * n) + c, i = im + (16 * n) + c;
                Butterfly(r, i, 64, out var r0, out var i0, out var r1, out var i1, out var r2, out var i2, out var r3, out var i3);
                r0.Store(r);
                i0.Store(i);
                Multiply(r1, i1, c1, s1, r + 64, i + 64);
                Multiply(r2, i2, c2, s2, r + 128, i + 128);
                Multiply(r3, i3, c3, s3, r + 192, i + 192);
            }
        }
    }

    /// <summary>Second half of the column FFTs: 4-point FFTs of neighbouring rows, the results in natural order.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static void ColumnsSecond(float* re, float* im, float* re2, float* im2)
    {
        for (var k = 0; k < 4; k++)
        {
            for (var c = 0; c < 16; c += T.Count)
            {
                Butterfly(re + (64 * k) + c, im + (64 * k) + c, 16, out var r0, out var i0, out var r1, out var i1, out var r2, out var i2,
                    out var r3, out var i3);
                float* r = re2 + (16 * k) + c, i = im2 + (16 * k) + c;
                r0.Store(r);
                i0.Store(i);
                r1.Store(r + 64);
                i1.Store(i + 64);
                r2.Store(r + 128);
                i2.Store(i + 128);
                r3.Store(r + 192);
                i3.Store(i + 192);
            }
        }
    }

    /// <summary><see cref="ColumnsSecond"/>, each result times W256^(row·column).</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void ColumnsSecondTwiddled(float* re, float* im, float* re2, float* im2)
    {
        for (var k = 0; k < 4; k++)
        {
            for (var c = 0; c < 16; c += T.Count)
            {
                Butterfly(re + (64 * k) + c, im + (64 * k) + c, 16, out var r0, out var i0, out var r1, out var i1, out var r2, out var i2,
                    out var r3, out var i3);
                var at = (16 * k) + c;
                float* r = re2 + at, i = im2 + at, wr = _twiddleRe + at, wi = _twiddleIm + at;
                Multiply(r0, i0, T.Load(wr), T.Load(wi), r, i);
                Multiply(r1, i1, T.Load(wr + 64), T.Load(wi + 64), r + 64, i + 64);
                Multiply(r2, i2, T.Load(wr + 128), T.Load(wi + 128), r + 128, i + 128);
                Multiply(r3, i3, T.Load(wr + 192), T.Load(wi + 192), r + 192, i + 192);
            }
        }
    }

    /// <summary>A 4-point FFT of the rows at 0, stride, 2·stride and 3·stride.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Butterfly(
        float* re, float* im, int stride, out T r0, out T i0, out T r1, out T i1, out T r2, out T i2, out T r3, out T i3)
    {
        T ar = T.Load(re), br = T.Load(re + stride), cr = T.Load(re + (2 * stride)), dr = T.Load(re + (3 * stride));
        T ai = T.Load(im), bi = T.Load(im + stride), ci = T.Load(im + (2 * stride)), di = T.Load(im + (3 * stride));
        T t0r = ar + cr, t0i = ai + ci, t1r = ar - cr, t1i = ai - ci;
        T t2r = br + dr, t2i = bi + di, t3r = br - dr, t3i = bi - di;
        r0 = t0r + t2r;
        i0 = t0i + t2i;
        r1 = t1r + t3i;
        i1 = t1i - t3r;
        r2 = t0r - t2r;
        i2 = t0i - t2i;
        r3 = t1r - t3i;
        i3 = t1i + t3r;
    }

    /// <summary>Stores (r + i·j)·(c + s·j).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Multiply(T r, T i, T c, T s, float* re, float* im)
    {
        T.NegateMultiplyAdd(i, s, r * c).Store(re);
        T.MultiplyAdd(i, c, r * s).Store(im);
    }
}
