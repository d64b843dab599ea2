using System.ComponentModel;

namespace AstStream.Events.Json;

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

    [Description("The sample after its last one.")]
    public required long EndSample { get; init; }

    [Description("The longest hop of its windows in seconds, where it was analysed.")]
    public decimal? EffectiveHop { get; init; }

    [Description("The hash of the checkpoint that heard it, or would have.")]
    public string? ModelHash { get; init; }

    [Description("What its source was like.")]
    public string? SourceState { get; init; }

    [Description("When it began, where the stream's start is known.")]
    public DateTime? StartTime { get; init; }

    [Description("false where that time is not to be relied on: this machine's clock was not synchronised, as after a boot without a "
        + "network.")]
    public bool? ClockSynchronized { get; init; }
}
