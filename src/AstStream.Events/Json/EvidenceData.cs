using System.ComponentModel;

namespace AstStream.Events.Json;

/// <summary>What an event was heard in and by.</summary>
internal sealed record EvidenceData
{
    [Description("Its first sample at 16 kHz, from the stream's start.")]
    public required long StartSample { get; init; }

    [Description("The sample after its last one.")]
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
