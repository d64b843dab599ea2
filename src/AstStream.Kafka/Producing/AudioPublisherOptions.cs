using AstStream.Kafka.Cluster;

namespace AstStream.Kafka.Producing;

/// <summary>How sound is published.</summary>
internal sealed record AudioPublisherOptions
{
    /// <summary>The cluster.</summary>
    public required KafkaAccess Access { get; init; }

    public required string Topic { get; init; }

    /// <summary>f32le in place of s16le.</summary>
    public bool IsFloat { get; init; }

    /// <summary>Sound in one record.</summary>
    public TimeSpan Block { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Bytes that may wait for the brokers in memory.</summary>
    public long Memory { get; init; } = 32_000_000;

    /// <summary>The file where more than that waits; null for none: then everything before the sink waits.</summary>
    public string? Spool { get; init; }

    /// <summary>Bytes that may wait in it; the oldest go when there are more.</summary>
    public long SpoolSize { get; init; } = 1_000_000_000;
}
