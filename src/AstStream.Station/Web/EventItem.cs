using System.ComponentModel;
using System.Text.Json;

namespace AstStream.Station.Web;

/// <summary>An event with what the station knows of it.</summary>
/// <param name="Event">The event, as schemas/event.v1.schema.json says.</param>
/// <param name="Time">When it began; left out where that is not known.</param>
/// <param name="StoredTime">The same; where that is not known, when it was stored.</param>
/// <param name="Clip">The clip that its sound is in; left out where it has none.</param>
/// <param name="Review">The last word of a person on it, as schemas/review.v1.schema.json says; left out where there is none.</param>
internal sealed record EventItem(
    [property: Description("The event, as schemas/event.v1.schema.json says.")] JsonElement Event,
    [property: Description("When it began; left out where that is not known.")] DateTime? Time,
    [property: Description("The same; where that is not known, when it was stored.")] DateTime StoredTime,
    [property: Description("The clip that its sound is in; left out where it has none.")] string? Clip,
    [property: Description("The last word of a person on it, as schemas/review.v1.schema.json says.")] JsonElement? Review);
