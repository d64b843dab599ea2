namespace AstStream.Connectors.Capture;

/// <summary>Where the way to a live stream's sound stands.</summary>
internal enum LinkState
{
    /// <summary>It is not open.</summary>
    Closed,

    /// <summary>It is open again, and what comes may have been heard before.</summary>
    Doubtful,

    /// <summary>It is open again, and nothing new has come yet.</summary>
    Reopened,

    /// <summary>It is open, for the first time, or new sound has come.</summary>
    Open,
}
