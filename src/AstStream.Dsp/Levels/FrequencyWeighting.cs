using System.Runtime.CompilerServices;

namespace AstStream.Dsp.Levels;

/// <summary>
/// Frequency weightings A and C, and time weighting F, of IEC 61672-1: A is C and two high-pass filters more, so that both come in one
/// pass.
/// </summary>
internal sealed class FrequencyWeighting
{
    // Corners in Hz (IEC 61672-1, annex E), and where both weightings are 0 dB.
    private const double F1 = 20.598997;
    private const double F2 = 107.65265;
    private const double F3 = 737.86223;
    private const double F4 = 12194.217;
    private const double Reference = 1000;
    private const double Fast = 0.125; // seconds

    private readonly double _decay;
    private Biquad _first;
    private Biquad _second; // with the first, C
    private Biquad _third; // with both, A
    private double _fast;

    public FrequencyWeighting(int sampleRate)
    {
        var (low, high) = (FirstOrder.HighPass(F1, sampleRate), FirstOrder.LowPass(F4, sampleRate));
        _first = new Biquad(low, high);
        _second = new Biquad(low, high, 1 / Square(_first.Gain(Reference / sampleRate)));
        var (f2, f3) = (FirstOrder.HighPass(F2, sampleRate), FirstOrder.HighPass(F3, sampleRate));
        _third = new Biquad(f2, f3, 1 / new Biquad(f2, f3).Gain(Reference / sampleRate));
        _decay = 1 - Math.Exp(-1 / (Fast * sampleRate));
    }

    /// <summary>The square of the A-weighted sound, with time weighting F, now.</summary>
    public double FastPower => _fast;

    /// <summary>Takes samples; returns the sum of the A-weighted squares and the largest C-weighted magnitude.</summary>
    /// <param name="samples">The samples.</param>
    /// <param name="offset">What is taken off each.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public (double Squares, double Peak) Run(ReadOnlySpan<float> samples, float offset)
    {
        var (first, second, third, fast) = (_first, _second, _third, _fast); // in registers
        double squares = 0, peak = 0;
        foreach (var sample in samples)
        {
            var c = second.Next(first.Next(sample - offset));
            peak = Math.Max(peak, Math.Abs(c));
            var a = third.Next(c);
            squares += a * a;
            fast += _decay * ((a * a) - fast);
        }

        first.Settle();
        second.Settle();
        third.Settle();
        (_first, _second, _third, _fast) = (first, second, third, fast < 1e-30 ? 0 : fast);
        return (squares, peak);
    }

    /// <summary>Forgets what came before.</summary>
    public void Reset()
    {
        _first.Reset();
        _second.Reset();
        _third.Reset();
        _fast = 0;
    }

    private static double Square(double x) => x * x;
}
