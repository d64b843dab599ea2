using System.Globalization;

namespace AstStream.Dsp.Levels;

/// <summary>One-third-octave bands by their numbers: number n has its middle at 10^(n/10) Hz (IEC 61260-1, base ten).</summary>
public static class ThirdOctaves
{
    /// <summary>The lowest band that is measured: 25 Hz.</summary>
    public const int Lowest = 14;

    /// <summary>The highest band that is measured, where the sample rate allows it: 20 kHz.</summary>
    public const int Highest = 43;

    internal const int PerOctave = 3;
    internal const double MostOfRate = 0.45; // that a band's upper edge may be at

    private static readonly string[] s_nominal = ["1", "1.25", "1.6", "2", "2.5", "3.15", "4", "5", "6.3", "8"]; // IEC 61260-1, annex E

    /// <summary>How many bands a sample rate allows, from <see cref="Lowest"/> on.</summary>
    /// <param name="sampleRate">Samples a second.</param>
    public static int Count(int sampleRate)
    {
        var top = Highest;
        while (top >= Lowest && Edges(top).High > MostOfRate * sampleRate)
            top--;
        return top - Lowest + 1;
    }

    /// <summary>The exact middle of a band, in Hz.</summary>
    /// <param name="band">Its number.</param>
    public static double Centre(int band) => Math.Pow(10, band / 10.0);

    /// <summary>The edges of a band, in Hz.</summary>
    /// <param name="band">Its number.</param>
    public static (double Low, double High) Edges(int band) => (Math.Pow(10, (band - 0.5) / 10), Math.Pow(10, (band + 0.5) / 10));

    /// <summary>The nominal middle of a band in Hz, as meters have it: 31.5, 1000.</summary>
    /// <param name="band">Its number, 0 or more.</param>
    public static double Nominal(int band) =>
        double.Parse(s_nominal[band % 10], CultureInfo.InvariantCulture) * Math.Pow(10, band / 10);
}
