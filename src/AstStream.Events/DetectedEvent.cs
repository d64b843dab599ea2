namespace AstStream.Events;

/// <summary>Where an event is in its life.</summary>
public enum EventState
{
    /// <summary>It has begun and lasts; the offset is how far it has come.</summary>
    Opened,

    /// <summary>It is over; onset, offset and scores are final.</summary>
    Closed,
}

/// <summary>One event of one class in one stream.</summary>
/// <param name="State">Opened or closed.</param>
/// <param name="Label">The class index.</param>
/// <param name="Onset">First sample.</param>
/// <param name="Offset">The sample behind the last one.</param>
/// <param name="PeakScore">The highest smoothed score.</param>
/// <param name="MeanScore">The mean smoothed score, weighted by time, gaps that were merged left out.</param>
public readonly record struct DetectedEvent(EventState State, int Label, long Onset, long Offset, float PeakScore, float MeanScore)
{
    /// <summary>Where in its input its sound was heard: from the first to the last place of the windows that decided it.</summary>
    public InputRange Origin { get; init; }
}

/// <summary>Places in an input, such as the offsets of a topic's partition; what they mean is the source's affair.</summary>
/// <param name="First">The first place.</param>
/// <param name="Last">The last one.</param>
public readonly record struct InputRange(long First, long Last)
{
    internal static InputRange Restore(BinaryReader state) => new(state.ReadInt64(), state.ReadInt64());

    internal void Save(BinaryWriter state)
    {
        state.Write(First);
        state.Write(Last);
    }
}
