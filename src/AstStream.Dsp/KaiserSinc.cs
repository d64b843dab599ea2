namespace AstStream.Dsp;

/// <summary>
/// A Kaiser-windowed sinc by Kaiser's formulas (Oppenheim &amp; Schafer, Discrete-Time Signal Processing, 7.6), 100 dB down. Frequencies
/// are in cycles a sample, times in samples.
/// </summary>
internal sealed class KaiserSinc
{
    private const double Attenuation = 100; // dB
    private const double Beta = 0.1102 * (Attenuation - 8.7);

    private readonly double _cutoff; // twice the centre of the transition band
    private readonly double _norm = 1 / BesselI0(Beta);

    /// <summary>Designs it: flat up to pass, nothing from stop on.</summary>
    public KaiserSinc(double pass, double stop)
    {
        _cutoff = pass + stop;
        Half = (Attenuation - 7.95) / (2.285 * 2 * Math.PI * (stop - pass)) / 2;
    }

    /// <summary>How far it reaches to both sides.</summary>
    public double Half { get; }

    /// <summary>Its value at a time; its sum over all samples is 1.</summary>
    public double At(double time)
    {
        var edge = time / Math.Ceiling(Half);
        return Math.Abs(edge) < 1 ? _cutoff * Sinc(_cutoff * time) * BesselI0(Beta * Math.Sqrt(1 - (edge * edge))) * _norm : 0;
    }

    private static double Sinc(double x) => x == 0 ? 1 : Math.Sin(Math.PI * x) / (Math.PI * x);

    private static double BesselI0(double x)
    {
        double sum = 1, term = 1;
        for (var k = 1; term > sum * 1e-17; k++)
        {
            term *= x / (2 * k) * (x / (2 * k));
            sum += term;
        }

        return sum;
    }
}
