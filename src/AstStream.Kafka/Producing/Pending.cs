using Confluent.Kafka;

namespace AstStream.Kafka.Producing;

/// <summary>A message that the brokers do not have.</summary>
internal class Pending(Message<byte[], byte[]?> message)
{
    private const int Overhead = 100; // bytes of a message besides key and value

    public Message<byte[], byte[]?> Message => message;

    /// <summary>What it takes, about, in bytes.</summary>
    public int Size => Overhead + (message.Key?.Length ?? 0) + (message.Value?.Length ?? 0);

    /// <summary>Its place in the order of all messages. The producer sets it.</summary>
    public long Order { get; set; }

    /// <summary>Where it stands. The producer sets it.</summary>
    public PendingState State { get; set; }
}
