using System.ComponentModel;

namespace AstStream.Events.Json;

/// <summary>The data of a review, as schemas/review.v1.schema.json says.</summary>
internal sealed record ReviewData
{
    [Description("The id of the event that it is about.")]
    public required string EventId { get; init; }

    [Description("right, wrong or other_label; withdrawn takes back what was said before.")]
    public required string Verdict { get; init; }

    [Description("What it is, where that is another label.")]
    public string? EventLabel { get; init; }

    [Description("Who reviewed it.")]
    public required string By { get; init; }

    [Description("When.")]
    public required DateTime Time { get; init; }
}
