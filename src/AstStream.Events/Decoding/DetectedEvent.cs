namespace AstStream.Events.Decoding;

/// <summary>One event of one class in one stream.</summary>
/// <param name="State">Opened or closed.</param>
/// <param name="Label">The class index.</param>
/// <param name="Onset">First sample.</param>
/// <param name="Offset">The sample after the last one.</param>
/// <param name="PeakScore">The highest smoothed score.</param>
/// <param name="MeanScore">The mean smoothed score, weighted by time, gaps that were merged left out.</param>
public readonly record struct DetectedEvent(EventState State, int Label, long Onset, long Offset, float PeakScore, float MeanScore)
{
    /// <summary>Where in its input its sound was heard: from the first to the last place of the windows that decided it.</summary>
    public InputRange Origin { get; init; }
}
