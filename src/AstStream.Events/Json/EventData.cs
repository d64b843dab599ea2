using System.ComponentModel;

namespace AstStream.Events.Json;

/// <summary>
/// The data of an event, as schemas/event.v1.schema.json says. Names and meanings are never changed; what is added is optional.
/// </summary>
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

    [Description("The model's name in the pipeline.")]
    public string? Model { get; init; }

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

    [Description("false where that time is not to be relied on: this machine's clock was not synchronised, as after a boot without a "
        + "network.")]
    public bool? ClockSynchronized { get; init; }

    [Description("What it was heard in and by.")]
    public required EvidenceData Evidence { get; init; }
}
