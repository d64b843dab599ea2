using AstStream.Dsp.Levels;

namespace AstStream.Station.Store;

/// <summary>The levels of a stream in one minute, as a store has them.</summary>
/// <param name="Minute">When the minute began.</param>
/// <param name="Levels">Its levels: in dB SPL where it was calibrated, else in dBFS.</param>
/// <param name="IsCalibrated">Whether it was.</param>
public sealed record StoredMinute(DateTimeOffset Minute, LevelSummary Levels, bool IsCalibrated)
{
    /// <summary>What its levels are in.</summary>
    public string Unit => UnitOf(IsCalibrated);

    /// <summary>What levels are in.</summary>
    /// <param name="isCalibrated">Whether the source is calibrated.</param>
    public static string UnitOf(bool isCalibrated) => isCalibrated ? "dB SPL" : "dBFS";
}
