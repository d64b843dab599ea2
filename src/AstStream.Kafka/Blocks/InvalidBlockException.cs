namespace AstStream.Kafka.Blocks;

/// <summary>A record of sound that can't be used. The message says what is wrong with it, without its coordinates.</summary>
internal sealed class InvalidBlockException(string message) : Exception(message);
