using System.Runtime.CompilerServices;
using AstStream.Dsp.Simd;
using NWaves.Windows;

namespace AstStream.Dsp;

/// <summary>The kernel over one kind of lanes.</summary>
internal sealed unsafe class FbankKernel<T> : FbankKernel
    where T : unmanaged, ILanes<T>
{
    private const int N = FbankOptions.FftLength / 2; // points of the complex FFT
    private const int Half = FbankOptions.FrameLength / 2; // samples in one plane

    private readonly Fft256<T> _fft = new();
    private readonly int _numMelBins;
    private readonly int _paddedMelBins;
    private readonly float[] _memory;
    private readonly int[] _melStarts;
    private readonly int[] _melBlocks;

    // All of these point into _memory, which is pinned.
    private readonly float* _windowEven;
    private readonly float* _windowOdd;
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
        var total = (2 * (Half + 16)) + N + (4 * plane) + powerLength + weightLength + _paddedMelBins + (16 * 16);
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
        _splitRe = Take(N / 2);
        _splitIm = Take(N / 2);
        _re = Take(plane);
        _im = Take(plane);
        _re2 = Take(plane);
        _im2 = Take(plane);
        _power = Take(powerLength);
        _melWeights = Take(weightLength);
        _mel = Take(_paddedMelBins);

        var hann = Window.OfType(WindowType.Hann, FbankOptions.FrameLength); // symmetric, as Kaldi's
        for (var n = 0; n < Half; n++)
        {
            _windowEven[n] = hann[2 * n];
            _windowOdd[n] = hann[(2 * n) + 1];
        }

        for (var k = 0; k < N / 2; k++)
            (_splitRe[k], _splitIm[k]) = Fft256.Root(k, 2 * N);

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
        Apply(even, odd);

        _fft.Transform(_re, _im, _re2, _im2);
        Power();
        LogMel(melOut);
        GC.KeepAlive(_memory);
        GC.KeepAlive(_melStarts);
    }

    /// <summary>Removes the mean, pre-emphasises and windows into (_re, _im), zeros after.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Apply(float* even, float* odd)
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
