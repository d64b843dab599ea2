namespace AstStream.Dsp.Levels;

/// <summary>A filter of order one: (B0 + B1 z⁻¹) / (1 + A1 z⁻¹).</summary>
internal readonly record struct FirstOrder(double B0, double B1, double A1)
{
    /// <summary>A high-pass filter by the bilinear transform, exact at its corner, at 0 and at half the rate.</summary>
    /// <param name="corner">Where it is 3 dB down, in Hz.</param>
    /// <param name="sampleRate">Samples a second.</param>
    public static FirstOrder HighPass(double corner, int sampleRate)
    {
        var k = Math.Tan(Math.PI * corner / sampleRate);
        return new FirstOrder(1 / (1 + k), -1 / (1 + k), (k - 1) / (k + 1));
    }

    /// <summary>
    /// A low-pass filter whose corner may lie over half the rate: the analogue pole, and a zero that makes it exact at 0 and at half the
    /// rate (Vicanek, Matched One-Pole Digital Shelving Filters). A bilinear one would give nothing at half the rate.
    /// </summary>
    /// <param name="corner">Where it is 3 dB down, in Hz.</param>
    /// <param name="sampleRate">Samples a second.</param>
    public static FirstOrder LowPass(double corner, int sampleRate)
    {
        var pole = Math.Exp(-2 * Math.PI * corner / sampleRate);
        var ratio = sampleRate / 2.0 / corner;
        var (atZero, atHalf) = (1 - pole, (1 + pole) / Math.Sqrt(1 + (ratio * ratio)));
        return new FirstOrder((atZero + atHalf) / 2, (atZero - atHalf) / 2, -pole);
    }
}
