using System.Text.Json.Serialization;

namespace AstStream.Connectors.Kafka;

/// <summary>The data of an event, as schemas/event.v1.schema.json says. Names and meanings are never changed; what is added is optional.</summary>
internal sealed record EventData
{
    /// <summary>Made from stream, start time, label, onset and model: the same however often it is published.</summary>
    public required string Id { get; init; }

    /// <summary>opened or closed.</summary>
    public required string State { get; init; }

    /// <summary>The source's name in the pipeline.</summary>
    public required string Source { get; init; }

    /// <summary>The stream.</summary>
    public required string Stream { get; init; }

    /// <summary>The class name.</summary>
    public required string EventLabel { get; init; }

    /// <summary>Seconds from the stream's start.</summary>
    public required decimal EventOnset { get; init; }

    /// <summary>Seconds from the stream's start; how far it has come while it is open.</summary>
    public required decimal EventOffset { get; init; }

    /// <summary>The highest smoothed score.</summary>
    public required decimal Score { get; init; }

    /// <summary>The mean smoothed score.</summary>
    public required decimal MeanScore { get; init; }

    /// <summary>When it began, where the stream's start is known.</summary>
    public DateTime? OnsetTime { get; init; }

    /// <summary>What it was heard in and by.</summary>
    public required EvidenceData Evidence { get; init; }
}

/// <summary>What an event was heard in and by.</summary>
internal sealed record EvidenceData
{
    /// <summary>Its first sample at 16 kHz, from the stream's start.</summary>
    public required long StartSample { get; init; }

    /// <summary>The sample behind its last one.</summary>
    public required long EndSample { get; init; }

    /// <summary>The topic that the sound was read from.</summary>
    public string? Topic { get; init; }

    /// <summary>Its partition.</summary>
    public int? Partition { get; init; }

    /// <summary>The first record of the windows that decided it.</summary>
    public long? FirstOffset { get; init; }

    /// <summary>The last one.</summary>
    public long? LastOffset { get; init; }

    /// <summary>The model's name in the pipeline.</summary>
    public required string Model { get; init; }

    /// <summary>Its checkpoint's hash.</summary>
    public string? ModelHash { get; init; }

    /// <summary>The precision of its products.</summary>
    public string? Precision { get; init; }

    /// <summary>What it ran on.</summary>
    public string? Provider { get; init; }
}

/// <summary>The data of a coverage record, as schemas/coverage.v1.schema.json says.</summary>
internal sealed record CoverageData
{
    /// <summary>analysed, gated or lost.</summary>
    public required string Coverage { get; init; }

    /// <summary>Why it was lost.</summary>
    public string? Reason { get; init; }

    /// <summary>The source's name in the pipeline.</summary>
    public required string Source { get; init; }

    /// <summary>The stream.</summary>
    public required string Stream { get; init; }

    /// <summary>The model's name in the pipeline.</summary>
    public required string Model { get; init; }

    /// <summary>Seconds from the stream's start.</summary>
    public required decimal Start { get; init; }

    /// <summary>Seconds from the stream's start.</summary>
    public required decimal End { get; init; }

    /// <summary>Its first sample at 16 kHz.</summary>
    public required long StartSample { get; init; }

    /// <summary>The sample behind its last one.</summary>
    public required long EndSample { get; init; }

    /// <summary>The longest hop of its windows in seconds, where it was analysed.</summary>
    public decimal? EffectiveHop { get; init; }

    /// <summary>What its source was like.</summary>
    public string? SourceState { get; init; }

    /// <summary>When it began, where the stream's start is known.</summary>
    public DateTime? StartTime { get; init; }
}

/// <summary>Writes and reads the data of records.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(EventData))]
[JsonSerializable(typeof(CoverageData))]
internal sealed partial class RecordContext : JsonSerializerContext;
