namespace AstStream.Dsp.Levels;

/// <summary>Levels of a while, in dB: 0 dB is what a full-scale square wave has, 3.01 dB over a full-scale sine.</summary>
/// <param name="Seconds">How long it was heard.</param>
/// <param name="LAeq">The equivalent continuous A-weighted level.</param>
/// <param name="LCpeak">The C-weighted peak.</param>
/// <param name="LA10">The A-weighted level, time weighting F, that was exceeded a tenth of the time.</param>
/// <param name="LA90">That which was exceeded nine tenths of the time.</param>
/// <param name="Bands">Equivalent levels of bands, from <see cref="ThirdOctaves.Lowest"/> on; empty where they were not measured.</param>
public sealed record LevelSummary(double Seconds, double LAeq, double LCpeak, double LA10, double LA90, IReadOnlyList<float> Bands)
{
    /// <summary>What stands for silence.</summary>
    public const double Floor = SignalMeter.FloorDb;

    /// <summary>A power as a level.</summary>
    public static double Decibels(double power) => SignalMeter.Decibels(Math.Sqrt(power));

    /// <summary>All levels, so many dB higher.</summary>
    public LevelSummary Plus(double decibels) => decibels == 0 ? this : new LevelSummary(
        Seconds, LAeq + decibels, LCpeak + decibels, LA10 + decibels, LA90 + decibels, [.. Bands.Select(b => (float)(b + decibels))]);
}
