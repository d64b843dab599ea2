using AstStream.Events;

namespace AstStream.Station.Store;

/// <summary>An event of a store.</summary>
/// <param name="Event">The event, as sinks publish it.</param>
/// <param name="Time">When it began; where that is not known, when it was stored.</param>
/// <param name="IsTimeKnown">Whether that is when it began.</param>
/// <param name="Review">The last word of a person on it; null where there is none.</param>
public sealed record StoredEvent(SoundEvent Event, DateTimeOffset Time, bool IsTimeKnown, Review? Review)
{
    /// <summary>Its place in the order of time: <see cref="EventQuery.Before"/> goes on there.</summary>
    public string Place => FormattableString.Invariant($"{StoreTime.Of(Time)}.{Number}");

    /// <summary>Its row in the store.</summary>
    internal long Number { get; init; }

    /// <summary>The clip that its sound is in; null where it has none.</summary>
    public string? Clip { get; init; }

    /// <summary>Its label: that of the review, where a person found another one.</summary>
    public string Label => Review?.Label ?? Event.Label;
}
