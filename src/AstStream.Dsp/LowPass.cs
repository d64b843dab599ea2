using AstStream.Dsp.Simd;

namespace AstStream.Dsp;

/// <summary>
/// A long linear-phase low-pass filter, by FFT (overlap-save; Oppenheim &amp; Schafer, Discrete-Time Signal Processing, 8.7). At its
/// input's rate, two blocks of real samples are one complex block, which a real filter keeps apart; at twice that rate, the taps for even
/// and odd outputs are one complex filter, which gives both for one real block. The order of the bins does not matter, so nothing is
/// reordered.
/// </summary>
internal abstract unsafe class LowPass
{
    private const int Apart = 272; // floats between arrays: addresses that are alike in their low bits stand in each other's way
    private const int SmallTaps = 512; // that a transform of 1,024 points is the better one for

    protected LowPass(KaiserSinc sinc, int up)
    {
        Up = up;
        Half = (int)Math.Ceiling((Math.Ceiling(sinc.Half) + up - 1) / up);
        Points = 2 * Half < SmallTaps ? 4 * Fft256.N : 16 * Fft256.N;
        Block = Points - (2 * Half);
    }

    /// <summary>How many outputs it gives for an input, 1 or 2.</summary>
    public int Up { get; }

    /// <summary>Taps on each side of the middle one, in input samples.</summary>
    public int Half { get; }

    /// <summary>Points of the transform.</summary>
    public int Points { get; }

    /// <summary>From one array of a transform to the next.</summary>
    protected int Plane => Points + Apart;

    /// <summary>Input samples of one block.</summary>
    public int Block { get; }

    /// <summary>
    /// Input samples that a run goes on by: two blocks, or one where it gives two outputs for each. It gives two blocks of outputs.
    /// </summary>
    public int Advance => Up == 1 ? 2 * Block : Block;

    /// <summary>Floats that <see cref="Run"/> needs as scratch.</summary>
    public static int Scratch => 4 * ((16 * Fft256.N) + Apart);

    /// <summary>Makes a filter.</summary>
    /// <param name="sinc">Its taps, at the output's rate.</param>
    /// <param name="up">1; or 2, for an output at twice the input's rate.</param>
    /// <param name="kernel">The lanes.</param>
    public static LowPass Create(KaiserSinc sinc, int up, SimdKernel kernel) => kernel switch
    {
        SimdKernel.Avx512 => new LowPass<Avx512Lanes>(sinc, up),
        SimdKernel.Avx2 => new LowPass<Avx2Lanes>(sinc, up),
        SimdKernel.Vector128 => new LowPass<Vector128Lanes>(sinc, up),
        _ => new LowPass<ScalarLanes>(sinc, up),
    };

    /// <summary>Filters: 2·Half + Advance samples in, of which the first and last Half are neighbours; 2·Block out.</summary>
    public abstract void Run(float* input, float* output, float* scratch);
}
