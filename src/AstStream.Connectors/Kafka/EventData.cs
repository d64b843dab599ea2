using System.ComponentModel;
using System.Text.Json.Serialization;

namespace AstStream.Connectors.Kafka;

/// <summary>The data of an event, as schemas/event.v1.schema.json says. Names and meanings are never changed; what is added is optional.</summary>
internal sealed record EventData
{
    [Description("Made from stream, start time, label, onset and model: the same however often it is published.")]
    public required string Id { get; init; }

    [Description("opened or closed.")]
    public required string State { get; init; }

    [Description("The source's name in the pipeline.")]
    public required string Source { get; init; }

    [Description("The stream.")]
    public required string Stream { get; init; }

    [Description("The class name.")]
    public required string EventLabel { get; init; }

    [Description("Seconds from the stream's start.")]
    public required decimal EventOnset { get; init; }

    [Description("Seconds from the stream's start; how far it has come while it is open.")]
    public required decimal EventOffset { get; init; }

    [Description("The highest smoothed score.")]
    public required decimal Score { get; init; }

    [Description("The mean smoothed score.")]
    public required decimal MeanScore { get; init; }

    [Description("When it began, where the stream's start is known.")]
    public DateTime? OnsetTime { get; init; }

    [Description("What it was heard in and by.")]
    public required EvidenceData Evidence { get; init; }
}

/// <summary>What an event was heard in and by.</summary>
internal sealed record EvidenceData
{
    [Description("Its first sample at 16 kHz, from the stream's start.")]
    public required long StartSample { get; init; }

    [Description("The sample behind its last one.")]
    public required long EndSample { get; init; }

    [Description("The topic that the sound was read from.")]
    public string? Topic { get; init; }

    [Description("Its partition.")]
    public int? Partition { get; init; }

    [Description("The first record of the windows that decided it.")]
    public long? FirstOffset { get; init; }

    [Description("The last one.")]
    public long? LastOffset { get; init; }

    [Description("The model's name in the pipeline.")]
    public required string Model { get; init; }

    [Description("Its checkpoint's hash.")]
    public string? ModelHash { get; init; }

    [Description("The precision of its products.")]
    public string? Precision { get; init; }

    [Description("What it ran on.")]
    public string? Provider { get; init; }
}

/// <summary>The data of a coverage record, as schemas/coverage.v1.schema.json says.</summary>
internal sealed record CoverageData
{
    [Description("analysed, gated or lost.")]
    public required string Coverage { get; init; }

    [Description("Why it was lost.")]
    public string? Reason { get; init; }

    [Description("The source's name in the pipeline.")]
    public required string Source { get; init; }

    [Description("The stream.")]
    public required string Stream { get; init; }

    [Description("The model's name in the pipeline.")]
    public required string Model { get; init; }

    [Description("Seconds from the stream's start.")]
    public required decimal Start { get; init; }

    [Description("Seconds from the stream's start.")]
    public required decimal End { get; init; }

    [Description("Its first sample at 16 kHz.")]
    public required long StartSample { get; init; }

    [Description("The sample behind its last one.")]
    public required long EndSample { get; init; }

    [Description("The longest hop of its windows in seconds, where it was analysed.")]
    public decimal? EffectiveHop { get; init; }

    [Description("What its source was like.")]
    public string? SourceState { get; init; }

    [Description("When it began, where the stream's start is known.")]
    public DateTime? StartTime { get; init; }
}

/// <summary>The data of a window's scores, as schemas/scores.v1.schema.json says.</summary>
internal sealed record ScoresData
{
    [Description("The source's name in the pipeline.")]
    public required string Source { get; init; }

    [Description("The stream.")]
    public required string Stream { get; init; }

    [Description("Where the interval begins that the scores stand for, a hop in the window's middle: seconds from the stream's start.")]
    public required decimal Start { get; init; }

    [Description("Where it ends.")]
    public required decimal End { get; init; }

    [Description("Its first sample at 16 kHz.")]
    public required long StartSample { get; init; }

    [Description("The sample behind its last one.")]
    public required long EndSample { get; init; }

    [Description("When it began, where the stream's start is known.")]
    public DateTime? StartTime { get; init; }

    [Description("The score of every class, before smoothing.")]
    public required IReadOnlyDictionary<string, decimal> Scores { get; init; }

    [Description("The model's name in the pipeline.")]
    public required string Model { get; init; }

    [Description("Its checkpoint's hash.")]
    public string? ModelHash { get; init; }

    [Description("The precision of its products.")]
    public string? Precision { get; init; }

    [Description("What it ran on.")]
    public string? Provider { get; init; }
}

/// <summary>Writes and reads the data of records.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(EventData))]
[JsonSerializable(typeof(CoverageData))]
[JsonSerializable(typeof(ScoresData))]
internal sealed partial class RecordContext : JsonSerializerContext;
