namespace AstStream.Streaming.FrontEnd;

/// <summary>Where a piece of a stream's time is on its way from the front end to the ledger.</summary>
internal enum PieceState
{
    /// <summary>A window that waits for a session.</summary>
    Waiting,

    /// <summary>A session has it.</summary>
    Running,

    /// <summary>It has its scores.</summary>
    Analysed,

    /// <summary>The gate kept it from the model.</summary>
    Gated,

    /// <summary>Nobody scored it.</summary>
    Lost,

    /// <summary>No time of its own, and no window: a part of an activity that is not scored alone.</summary>
    Noted,

    /// <summary>The samples after the last window before a break: what became of the last window became of them.</summary>
    Tail,

    /// <summary>The stream ends here.</summary>
    End,

    /// <summary>Another model goes on with the stream from here on.</summary>
    HandedOver,
}
