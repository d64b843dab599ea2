namespace AstStream.Kafka.Transactions;

/// <summary>Whether records of a stream are needed.</summary>
internal enum StreamRest : byte
{
    /// <summary>They are.</summary>
    None,

    /// <summary>Nothing came of it for long; it may go on.</summary>
    Idle,

    /// <summary>A record has ended it; what comes starts over.</summary>
    Ended,
}
