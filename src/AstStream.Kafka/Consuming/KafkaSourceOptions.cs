using AstStream.Dsp;
using AstStream.Kafka.Blocks;
using AstStream.Kafka.Cluster;

namespace AstStream.Kafka.Consuming;

/// <summary>How sound is read from Kafka.</summary>
internal sealed record KafkaSourceOptions
{
    /// <summary>The cluster.</summary>
    public required KafkaAccess Access { get; init; }

    public required IReadOnlyList<string> Topics { get; init; }

    /// <summary>The workers that share the topics' partitions.</summary>
    public string Group { get; init; } = "aststream";

    /// <summary>This worker's name in its group; a restart under the same name finds its partitions again at once. Null for none.</summary>
    public string? Instance { get; init; }

    /// <summary>Whether the brokers assign the group's partitions (KIP-848), not a member of it.</summary>
    public bool IsAssignedByBrokers =>
        Access.Settings.TryGetValue("group.protocol", out var protocol) && protocol.Equals("consumer", StringComparison.OrdinalIgnoreCase);

    public bool IsExactlyOnce { get; init; }

    public bool StartsAtEnd { get; init; }

    public required string StateTopic { get; init; }

    /// <summary>Where records go that can't be used; null for each topic's own, with -dead-letter after its name.</summary>
    public string? DeadLetterTopic { get; init; }

    /// <summary>Where a topic's records go that can't be used.</summary>
    public string LetterTopic(string topic) => DeadLetterTopic ?? $"{topic}-dead-letter";

    public TimeSpan CommitInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Blocks that come too early are held for so much sound.</summary>
    public TimeSpan Reorder { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A stream of which nothing comes for so long rests: its open events are closed.</summary>
    public TimeSpan IdleTimeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>After so long a stream that rests is forgotten.</summary>
    public TimeSpan ForgetAfter { get; init; } = TimeSpan.FromDays(1);

    /// <summary>What headers do not say.</summary>
    public BlockFormat Otherwise { get; init; } = new(
        BlockEncoding.Raw, new PcmFormat(PcmEncoding.S16, FbankOptions.SampleRate, 1), null, null, "");

    public int? Channel { get; init; }

    /// <summary>Headers of records that events carry on.</summary>
    public IReadOnlyList<string> CarriedHeaders { get; init; } = ["traceparent", "tracestate"];

    /// <summary>Bytes of records that may wait before partitions are paused.</summary>
    public long Buffer { get; init; } = 16_000_000;

    /// <summary>Larger records are not used.</summary>
    public int MaxRecord { get; init; } = 16_000_000;
}
