using AstStream.Dsp.Simd;

namespace AstStream.Dsp;

/// <summary>
/// The steps from one rate to another, shared by all streams that need them. One sharp filter does the work, by FFT, at a rate where its
/// output is oversampled at least twice; what is before and after it needs only short filters, as nothing lies in their wide transition
/// bands. A rate over 120 kHz is quartered first. Where the sharp filter's rate is a multiple of the output's, samples are left out and the
/// last step is not needed.
/// </summary>
internal sealed class ResamplerPlan
{
    private const double PassBand = 0.92; // of the lower Nyquist frequency
    private const double QuarteredFrom = 120_000;
    private const double Oversampled = 2.25;
    private const int LongestPeriod = 30; // seconds

    // Weak: a plan lives as long as a stream that uses it, whatever rates come by in a run of months.
    private static readonly Dictionary<(int, int, SimdKernel), WeakReference<ResamplerPlan>> s_cache = [];

    private ResamplerPlan(int inputRate, int outputRate, SimdKernel kernel)
    {
        double rate = inputRate, band = Math.Min(inputRate, outputRate) / 2.0;
        long up = outputRate, down = inputRate; // what is still to be done
        if (rate > QuarteredFrom && rate / 4 >= Oversampled * 2 * band)
        {
            First = new Polyphase(1, 4, band / rate, ((rate / 4) - band) / rate, kernel);
            rate /= 4;
            up *= 4;
        }

        var factor = down % up == 0 || rate >= Oversampled * 2 * band ? 1 : 2;
        rate *= factor;
        down *= factor;
        Sharp = LowPass.Create(new KaiserSinc(PassBand * band / rate, band / rate), factor, kernel);
        var divisor = Gcd(up, down);
        (up, down) = (up / divisor, down / divisor);
        if (up == 1)
            Step = (int)down;
        else
            Last = new Polyphase((int)up, (int)down, band / rate, (rate - band) / rate, kernel);

        // Runs of the sharp filter until what is after it is at phase 0 again.
        var outputs = 2L * Sharp.Block;
        var whole = (long)(Last?.Down ?? Step);
        var runs = whole / Gcd(outputs, whole);
        var before = First?.Down ?? 1;
        var period = runs * Sharp.Advance * before;
        Period = (int)(period <= LongestPeriod * (long)inputRate ? period : inputRate / Gcd(inputRate, outputRate));
        Reach = (before * ((2 * Sharp.Half) + Sharp.Advance + (Last?.Taps ?? 0))) + (First?.Taps ?? 0);
    }

    /// <summary>Quarters the rate; null where it is not needed.</summary>
    public Polyphase? First { get; }

    /// <summary>The sharp filter.</summary>
    public LowPass Sharp { get; }

    /// <summary>Of what it gives, every Step-th sample is kept.</summary>
    public int Step { get; } = 1;

    /// <summary>Brings its rate to the output's; null where leaving samples out does.</summary>
    public Polyphase? Last { get; }

    /// <summary>See <see cref="Resampler.Period"/>.</summary>
    public int Period { get; }

    /// <summary>See <see cref="Resampler.Reach"/>.</summary>
    public int Reach { get; }

    public static ResamplerPlan Get(int inputRate, int outputRate, SimdKernel kernel)
    {
        lock (s_cache)
        {
            if (s_cache.TryGetValue((inputRate, outputRate, kernel), out var weak) && weak.TryGetTarget(out var plan))
                return plan;
            plan = new ResamplerPlan(inputRate, outputRate, kernel);
            s_cache[(inputRate, outputRate, kernel)] = new WeakReference<ResamplerPlan>(plan);
            return plan;
        }
    }

    private static long Gcd(long a, long b) => b == 0 ? a : Gcd(b, a % b);
}
