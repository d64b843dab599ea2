using System.Text.Json.Serialization;

namespace AstStream.Station.Targets;

/// <summary>A notification, whole: what is kept until it is delivered.</summary>
/// <param name="Id">The same however often it is sent.</param>
/// <param name="Type">What it is about, as CloudEvents name types.</param>
/// <param name="Title">A few words.</param>
/// <param name="Text">A sentence or more.</param>
/// <param name="Urgency">How loudly.</param>
/// <param name="Time">When what it is about happened.</param>
/// <param name="Data">The record that it is about, as sinks publish it, or what else it says for programs: a JSON object.</param>
internal sealed record Notice(string Id, string Type, string Title, string Text, Urgency Urgency, DateTimeOffset Time, string Data)
{
    /// <summary>What it is about: a stream, or a part of the system; null for several.</summary>
    public string? Subject { get; init; }

    /// <summary>The page that shows more; null where there is none.</summary>
    public string? Link { get; init; }

    /// <summary>The event that it is about; null where it is about none or many.</summary>
    public string? EventId { get; init; }

    /// <summary>Whether the event's clip may go with it, which is written some seconds after the event has closed.</summary>
    public bool MayHaveClip { get; init; }

    /// <summary>Title and text, for targets with one text; with the link where that has no place of its own.</summary>
    [JsonIgnore]
    public string Whole => Link is null ? $"{Title}\n{Text}" : $"{Title}\n{Text}\n{Link}";
}
