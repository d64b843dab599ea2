namespace AstStream.Streaming.Scheduling;

/// <summary>What a session's slots are at.</summary>
internal enum SlotsState
{
    /// <summary>Rows are filled; nothing runs.</summary>
    Filling,

    /// <summary>The batch at hand is to be run as soon as the thread gets to it.</summary>
    Due,

    /// <summary>A batch runs; with two slots the next one is filled meanwhile.</summary>
    Running,

    /// <summary>The session has failed, and is to be opened again.</summary>
    Failed,

    /// <summary>Nothing is run any more.</summary>
    Ended,
}
