using System.Runtime.CompilerServices;
using AstStream.Dsp.Simd;

namespace AstStream.Dsp;

/// <summary>
/// Computes log-mel frames, one at a time. A frame's 400 samples come as two planes, even samples and odd samples, which
/// are the real and imaginary part of the 256-point complex FFT that gives a 512-point real one.
/// Holds its tables and scratch memory; not safe for use by two threads at once.
/// </summary>
internal abstract unsafe class FbankKernel
{
    public static FbankKernel Create(FbankOptions options) => (options.Kernel ?? SimdKernels.Default) switch
    {
        var k when !SimdKernels.IsSupported(k) => throw new NotSupportedException($"this processor can't run the {k} kernel"),
        SimdKernel.Avx512 => new FbankKernel<Avx512Lanes>(options.NumMelBins),
        SimdKernel.Avx2 => new FbankKernel<Avx2Lanes>(options.NumMelBins),
        SimdKernel.Vector128 => new FbankKernel<Vector128Lanes>(options.NumMelBins),
        _ => new FbankKernel<ScalarLanes>(options.NumMelBins),
    };

    /// <summary>
    /// One frame. The planes hold 200 samples each from the pointers on; one float before <paramref name="odd"/> and a
    /// register's width behind both must be readable. Writes num_mel_bins floats.
    /// </summary>
    public abstract void Frame(float* even, float* odd, float* melOut);

    /// <summary>Splits interleaved samples into the planes.</summary>
    public abstract void Deinterleave(float* samples, float* even, float* odd, int pairs);
}

/// <summary>The kernel over one kind of lanes.</summary>
internal sealed unsafe class FbankKernel<T> : FbankKernel
    where T : unmanaged, ILanes<T>
{
    private const int N = FbankOptions.FftLength / 2; // points of the complex FFT
    private const int Half = FbankOptions.FrameLength / 2; // samples in one plane

    private readonly int _numMelBins;
    private readonly int _paddedMelBins;
    private readonly float[] _memory;
    private readonly int[] _melStarts;
    private readonly int[] _melBlocks;

    // All of these point into _memory, which is pinned.
    private readonly float* _windowEven;
    private readonly float* _windowOdd;
    private readonly float* _twiddle16; // W16^(n·k) for n, k in 0..3: cos, sin pairs
    private readonly float* _twiddleRe; // W256^(row·column), 16×16
    private readonly float* _twiddleIm;
    private readonly float* _splitRe; // W512^k, k below 128
    private readonly float* _splitIm;
    private readonly float* _re;
    private readonly float* _im;
    private readonly float* _re2;
    private readonly float* _im2;
    private readonly float* _power;
    private readonly float* _melWeights;
    private readonly float* _mel;
    private readonly int* _starts;

    public FbankKernel(int numMelBins)
    {
        _numMelBins = numMelBins;
        _paddedMelBins = (numMelBins + 15) & ~15;
        var triangles = MelFilterbank.Create(numMelBins);
        var width = T.RowWidth;

        // Rows are grouped by the number that DotRows takes at once; each group is as long as its longest row.
        _melBlocks = new int[_paddedMelBins / width];
        for (var m = 0; m < numMelBins; m++)
            _melBlocks[m / width] = Math.Max(_melBlocks[m / width], (triangles[m].Weights.Length + width - 1) / width);
        for (var g = 0; g < _melBlocks.Length; g++)
            _melBlocks[g] = Math.Max(_melBlocks[g], 1);

        const int plane = N + 16;
        const int powerLength = N + 64; // rows of the last triangles are read past their end, into zeros
        var weightLength = _melBlocks.Sum() * width * width;
        var total = (2 * (Half + 16)) + 32 + (2 * N) + N + (4 * plane) + powerLength + weightLength + _paddedMelBins + (16 * 16);
        _memory = GC.AllocateArray<float>(total, pinned: true);
        _melStarts = GC.AllocateArray<int>(_paddedMelBins, pinned: true);
        _starts = (int*)Unsafe.AsPointer(ref _melStarts[0]);

        var next = (float*)Unsafe.AsPointer(ref _memory[0]);
        float* Take(int length)
        {
            next = (float*)(((nuint)next + 63) & ~(nuint)63); // whole cache lines
            var p = next;
            next += length;
            return p;
        }

        _windowEven = Take(Half + 16);
        _windowOdd = Take(Half + 16);
        _twiddle16 = Take(32);
        _twiddleRe = Take(N);
        _twiddleIm = Take(N);
        _splitRe = Take(N / 2);
        _splitIm = Take(N / 2);
        _re = Take(plane);
        _im = Take(plane);
        _re2 = Take(plane);
        _im2 = Take(plane);
        _power = Take(powerLength);
        _melWeights = Take(weightLength);
        _mel = Take(_paddedMelBins);

        for (var n = 0; n < Half; n++)
        {
            _windowEven[n] = (float)Hann(2 * n);
            _windowOdd[n] = (float)Hann((2 * n) + 1);
        }

        for (var n = 0; n < 4; n++)
            for (var k = 0; k < 4; k++)
                (_twiddle16[2 * ((4 * n) + k)], _twiddle16[(2 * ((4 * n) + k)) + 1]) = Root(n * k, 16);
        for (var row = 0; row < 16; row++)
            for (var column = 0; column < 16; column++)
                (_twiddleRe[(16 * row) + column], _twiddleIm[(16 * row) + column]) = Root(row * column, N);
        for (var k = 0; k < N / 2; k++)
            (_splitRe[k], _splitIm[k]) = Root(k, 2 * N);

        var w = _melWeights;
        for (var g = 0; g < _melBlocks.Length; g++)
        {
            for (var r = 0; r < width && (g * width) + r < numMelBins; r++)
            {
                var triangle = triangles[(g * width) + r];
                _starts[(g * width) + r] = triangle.FirstBin;

                // The split of the packed FFT leaves every bin doubled, so power is four times too large: the weights take
                // the quarter, which is exact.
                for (var i = 0; i < triangle.Weights.Length; i++)
                    w[(i / width * width * width) + (r * width) + (i % width)] = (float)triangle.Weights[i] * 0.25f;
            }

            w += _melBlocks[g] * width * width;
        }
    }

    public override void Deinterleave(float* samples, float* even, float* odd, int pairs) => T.Deinterleave(samples, even, odd, pairs);

    public override void Frame(float* even, float* odd, float* melOut)
    {
        Window(even, odd);

        // The 256-point FFT as 16×16: down the columns, times W256^(row·column), transposed, down the columns again.
        ColumnsFirst(_re, _im);
        ColumnsSecondTwiddled(_re, _im, _re2, _im2);
        T.Transpose16(_re2, _re);
        T.Transpose16(_im2, _im);
        ColumnsFirst(_re, _im);
        ColumnsSecond(_re, _im, _re2, _im2);

        Power();
        LogMel(melOut);
    }

    private static double Hann(int n) => 0.5 - (0.5 * Math.Cos(2 * Math.PI * n / (FbankOptions.FrameLength - 1)));

    private static (float Re, float Im) Root(int k, int n) =>
        ((float)Math.Cos(2 * Math.PI * k / n), (float)-Math.Sin(2 * Math.PI * k / n));

    /// <summary>Removes the mean, pre-emphasises and windows into (_re, _im), zeros behind.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Window(float* even, float* odd)
    {
        const int whole = Half / 16 * 16;
        T s0 = T.Load(even), s1 = T.Load(odd);
        for (var n = T.Count; n < whole; n += T.Count)
        {
            s0 += T.Load(even + n);
            s1 += T.Load(odd + n);
        }

        if (T.Count == 16)
        {
            s0 += T.LoadHalf(even + whole);
            s1 += T.LoadHalf(odd + whole);
        }
        else
        {
            for (var n = whole; n < Half; n += T.Count)
            {
                s0 += T.Load(even + n);
                s1 += T.Load(odd + n);
            }
        }

        var mean = T.Broadcast(T.Sum(s0 + s1) / FbankOptions.FrameLength);
        var coeff = T.Broadcast(FbankOptions.PreemphCoeff);
        for (var n = 0; n < whole; n += T.Count)
            WindowAt(n, T.Load(even + n), T.Load(odd + n), T.Load(odd + n - 1), mean, coeff);
        if (T.Count == 16)
        {
            WindowAt(whole, T.LoadHalf(even + whole), T.LoadHalf(odd + whole), T.LoadHalf(odd + whole - 1), mean, coeff);
        }
        else
        {
            for (var n = whole; n < Half; n += T.Count)
                WindowAt(n, T.Load(even + n), T.Load(odd + n), T.Load(odd + n - 1), mean, coeff);
        }

        var zero = T.Broadcast(0);
        for (var n = (Half + T.Count - 1) / T.Count * T.Count; n < N; n += T.Count)
        {
            zero.Store(_re + n);
            zero.Store(_im + n);
        }

        // The first sample is its own predecessor, and the window is 0 there.
        _re[0] = 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void WindowAt(int n, T even, T odd, T oddBefore, T mean, T coeff)
    {
        even -= mean;
        odd -= mean;
        oddBefore -= mean;
        (T.NegateMultiplyAdd(coeff, oddBefore, even) * T.Load(_windowEven + n)).Store(_re + n);
        (T.NegateMultiplyAdd(coeff, even, odd) * T.Load(_windowOdd + n)).Store(_im + n);
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
                Butterfly(re + (64 * k) + c, im + (64 * k) + c, 16, out var r0, out var i0, out var r1, out var i1, out var r2, out var i2, out var r3, out var i3);
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
                Butterfly(re + (64 * k) + c, im + (64 * k) + c, 16, out var r0, out var i0, out var r1, out var i1, out var r2, out var i2, out var r3, out var i3);
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
    private static void Butterfly(float* re, float* im, int stride, out T r0, out T i0, out T r1, out T i1, out T r2, out T i2, out T r3, out T i3)
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
    private static void Multiply(T r, T i, T c, T s, float* re, float* im)
    {
        T.NegateMultiplyAdd(i, s, r * c).Store(re);
        T.MultiplyAdd(i, c, r * s).Store(im);
    }

    /// <summary>
    /// Four times the power of each of the 257 bins of the real FFT, from the packed complex one: with
    /// E = Z[k] + conj Z[N-k], O = (Z[k] - conj Z[N-k]) / j and T = W512^k·O, bins k and N-k are |E + T|² and |E - T|².
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Power()
    {
        float* re = _re2, im = _im2;
        re[N] = re[0];
        im[N] = im[0];
        for (var k = 0; k < N / 2; k += T.Count)
        {
            var mirror = N - k - T.Count + 1;
            T ar = T.Load(re + k), ai = T.Load(im + k);
            T br = T.Reverse(T.Load(re + mirror)), bi = T.Reverse(T.Load(im + mirror));
            T er = ar + br, ei = ai - bi, or = ai + bi, oi = br - ar;
            T c = T.Load(_splitRe + k), s = T.Load(_splitIm + k);
            var tr = T.NegateMultiplyAdd(oi, s, or * c);
            var ti = T.MultiplyAdd(oi, c, or * s);
            T pr = er + tr, pi = ei + ti, qr = er - tr, qi = ei - ti;
            T.MultiplyAdd(pr, pr, pi * pi).Store(_power + k);
            T.Reverse(T.MultiplyAdd(qr, qr, qi * qi)).Store(_power + mirror);
        }

        _power[N / 2] = 4 * ((re[N / 2] * re[N / 2]) + (im[N / 2] * im[N / 2]));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void LogMel(float* melOut)
    {
        var width = T.RowWidth;
        var weights = _melWeights;
        for (var g = 0; g < _melBlocks.Length; g++)
        {
            var blocks = _melBlocks[g];
            T.DotRows(_power, _starts + (g * width), weights, blocks, _mel + (g * width));
            weights += blocks * width * width;
        }

        var floor = T.Broadcast(FbankOptions.EnergyFloor);
        var n = 0;
        for (; n <= _numMelBins - T.Count; n += T.Count)
            T.Log(T.Max(T.Load(_mel + n), floor)).Store(melOut + n);
        if (n == _numMelBins)
            return;

        // num_mel_bins is not a multiple of the lanes: the last ones go through scratch memory.
        T.Log(T.Max(T.Load(_mel + n), floor)).Store(_re);
        for (var i = 0; n + i < _numMelBins; i++)
            melOut[n + i] = _re[i];
    }
}
