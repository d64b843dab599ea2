namespace AstStream.Streaming.Definitions;

/// <summary>The keys that every source has.</summary>
public static class SourceKeys
{
    /// <summary>Picks a channel, or mixes all down.</summary>
    public static readonly Key<int?> Channel = Keys.WordOrIndex(
        "channel", "mix (the default): the mean of all channels; or the number of one, from 0.", "mix");

    internal static readonly Key<int> Priority = Keys.Integer(
        "priority", "Whose windows go first when the model is short of time, and whose hops are stretched last: those of the higher "
            + "number; 0 by default.", 0, -100, 100);

    internal static readonly Key<double?> Gain = Keys.Number(
        "gain", "A gain in decibels; 0 by default. Levels are measured before it.", -120, 120);

    internal static readonly Key<double?> Calibration = Keys.Number(
        "calibration", "What is added to this source's levels in dBFS to have dB SPL: the sound level of a calibrator, such as 94, less "
            + "the level that is shown for it. Without it levels are in dBFS. A gain changes nothing of it.", -100, 300);

    /// <summary>All of them.</summary>
    internal static readonly Key[] All = [Channel, Priority, Gain, Calibration];
}
