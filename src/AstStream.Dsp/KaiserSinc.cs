namespace AstStream.Dsp;

/// <summary>
/// A Kaiser-windowed sinc by Kaiser's formulas (Oppenheim &amp; Schafer, Discrete-Time Signal Processing, 7.6). Frequencies are in cycles
/// a sample, times in samples.
/// </summary>
internal sealed class KaiserSinc
{
    private readonly double _cutoff; // twice the centre of the transition band
    private readonly double _beta;
    private readonly double _norm;

    /// <summary>Designs it: flat up to pass, nothing from stop on.</summary>
    /// <param name="pass">Up to where.</param>
    /// <param name="stop">From where on.</param>
    /// <param name="attenuation">How many dB down nothing is, over 50.</param>
    public KaiserSinc(double pass, double stop, double attenuation = 100)
    {
        _cutoff = pass + stop;
        _beta = 0.1102 * (attenuation - 8.7);
        _norm = 1 / BesselI0(_beta);
        Half = (attenuation - 7.95) / (2.285 * 2 * Math.PI * (stop - pass)) / 2;
    }

    /// <summary>How far it reaches to both sides.</summary>
    public double Half { get; }

    /// <summary>Its value at a time; its sum over all samples is 1.</summary>
    public double At(double time)
    {
        var edge = time / Math.Ceiling(Half);
        return Math.Abs(edge) < 1 ? _cutoff * Sinc(_cutoff * time) * BesselI0(_beta * Math.Sqrt(1 - (edge * edge))) * _norm : 0;
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
