namespace AstStream.Kafka.Producing;

/// <summary>How messages are delivered.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Name">What messages to people call it.</param>
/// <param name="Memory">Bytes of messages that may wait for the brokers.</param>
/// <param name="LingerMs">How long a message may wait for others of its batch, in milliseconds.</param>
internal sealed record OrderedProducerOptions(string Topic, string Name, long Memory, double LingerMs);
