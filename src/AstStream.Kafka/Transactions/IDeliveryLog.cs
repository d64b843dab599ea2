using Confluent.Kafka;

namespace AstStream.Kafka.Transactions;

/// <summary>Writes messages and offsets so that readers see all of them or none, or, without transactions, the offsets last.</summary>
internal interface IDeliveryLog : IDisposable
{
    /// <summary>
    /// Commits; returns when that is done. After an exception it is not known whether it was done: whoever goes on reads what is committed.
    /// </summary>
    /// <param name="messages">The messages.</param>
    /// <param name="offsets">The offsets.</param>
    /// <param name="membership">The group's generation that the offsets were read in: a later one's owner is not to be overwritten.</param>
    /// <exception cref="KafkaException">It failed, or may have.</exception>
    void Commit(IReadOnlyList<Outgoing> messages, IReadOnlyList<TopicPartitionOffset> offsets, IConsumerGroupMetadata membership);
}
