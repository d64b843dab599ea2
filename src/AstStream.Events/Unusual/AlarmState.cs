namespace AstStream.Events.Unusual;

/// <summary>Whether a stream sounds unusual.</summary>
internal enum AlarmState
{
    /// <summary>It does not.</summary>
    Usual,

    /// <summary>An event of it is open.</summary>
    Open,

    /// <summary>Its event is closed; what is unusual soon after belongs to it.</summary>
    Closed,
}
