using System.ComponentModel;

namespace AstStream.Events.Json;

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

    [Description("The sample after its last one.")]
    public required long EndSample { get; init; }

    [Description("When it began, where the stream's start is known.")]
    public DateTime? StartTime { get; init; }

    [Description("false where that time is not to be relied on: this machine's clock was not synchronised, as after a boot without a "
        + "network.")]
    public bool? ClockSynchronized { get; init; }

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
