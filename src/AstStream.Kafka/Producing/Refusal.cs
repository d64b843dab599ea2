using Confluent.Kafka;

namespace AstStream.Kafka.Producing;

/// <summary>A message that the brokers will never take.</summary>
/// <param name="Size">Its bytes, about.</param>
/// <param name="Error">Why.</param>
internal sealed record Refusal(int Size, Error Error);
