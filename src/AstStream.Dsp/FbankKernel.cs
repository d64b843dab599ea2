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
    /// register's width after both must be readable. Writes num_mel_bins floats.
    /// </summary>
    public abstract void Frame(float* even, float* odd, float* melOut);

    /// <summary>Splits interleaved samples into the planes.</summary>
    public abstract void Deinterleave(float* samples, float* even, float* odd, int pairs);
}
