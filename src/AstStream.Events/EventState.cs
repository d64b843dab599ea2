namespace AstStream.Events;

/// <summary>Where an event is in its life.</summary>
public enum EventState
{
    /// <summary>It has begun and lasts; the offset is how far it has come.</summary>
    Opened,

    /// <summary>It is over; onset, offset and scores are final.</summary>
    Closed,
}
