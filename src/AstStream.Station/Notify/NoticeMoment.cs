namespace AstStream.Station.Notify;

/// <summary>When in an event's life a rule sends a notification.</summary>
internal enum NoticeMoment
{
    /// <summary>When it begins.</summary>
    Opened,

    /// <summary>When it is over.</summary>
    Closed,

    /// <summary>When a person has said something of it.</summary>
    Reviewed,
}
