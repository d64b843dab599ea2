using Confluent.Kafka;

namespace AstStream.Kafka.Transactions;

/// <summary>A message that is to be written as part of what is committed.</summary>
/// <param name="Topic">Where to.</param>
/// <param name="Partition">Its partition; null for the one of its key.</param>
/// <param name="Message">The message.</param>
internal readonly record struct Outgoing(string Topic, int? Partition, Message<byte[], byte[]?> Message);
