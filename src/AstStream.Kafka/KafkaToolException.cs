namespace AstStream.Kafka;

/// <summary>A tool could not do its work. The message says what happened, and what to do.</summary>
public sealed class KafkaToolException(string message) : Exception(message)
{
    /// <summary>Whether the command is wrong, and nothing was done.</summary>
    public bool IsUsage { get; init; }
}
