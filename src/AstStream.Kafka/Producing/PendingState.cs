namespace AstStream.Kafka.Producing;

/// <summary>Where a message stands.</summary>
internal enum PendingState
{
    /// <summary>It is to be sent, for the first time or again.</summary>
    Waiting,

    /// <summary>Librdkafka has it, and has not answered.</summary>
    Sent,

    /// <summary>The brokers have it, or it is given up.</summary>
    Done,
}
