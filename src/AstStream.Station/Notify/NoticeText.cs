using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AstStream.Events;
using AstStream.Events.Json;
using AstStream.Station.Targets;
using AstStream.Streaming.Telemetry;

namespace AstStream.Station.Notify;

/// <summary>What notifications say. Names of streams and labels come from anywhere: they are written as text that can be shown.</summary>
/// <param name="link">Where the page is; null for nowhere.</param>
/// <param name="hasClips">Whether events get clips.</param>
/// <param name="time">The clock, and the local time.</param>
internal sealed class NoticeText(string? link, bool hasClips, TimeProvider time)
{
    private const int MostNamed = 8; // labels or streams that a digest names

    /// <summary>An event that has begun, or is over.</summary>
    /// <param name="e">The event.</param>
    /// <param name="at">When it began.</param>
    /// <param name="urgency">How loudly.</param>
    public Notice Of(SoundEvent e, DateTimeOffset at, Urgency urgency)
    {
        var (isClosed, length) = (e.State == EventState.Closed, e.Offset - e.Onset);
        var isKnown = e.Stream.TimeAt(e.Onset) is not null;
        return new Notice(
            $"{e.Id}-{e.State.SnakeCase()}", RecordTypes.Event, Title(e.Label, e.Stream.Id),
            isClosed
                ? Invariant($"{(isKnown ? $"{Clock(at)} to {Clock(at.AddSeconds(length))}, " : "")}{length:0.0} s, score {e.Score:0.00}")
                : Invariant($"{(isKnown ? $"since {Clock(at)}, " : "")}score {e.Score:0.00}"),
            urgency, at, Json(json => RecordJson.Write(json, e)))
        {
            Subject = e.Stream.Id,
            Link = LinkTo(e.Id),
            EventId = e.Id,
            MayHaveClip = isClosed && hasClips,
        };
    }

    /// <summary>A person's word on an event.</summary>
    /// <param name="review">The word.</param>
    /// <param name="e">The event.</param>
    /// <param name="at">When it began.</param>
    /// <param name="urgency">How loudly.</param>
    public Notice Of(Review review, SoundEvent e, DateTimeOffset at, Urgency urgency)
    {
        var said = review.Verdict switch
        {
            ReviewVerdict.OtherLabel => $"is {review.Label}",
            ReviewVerdict.Withdrawn => "is open again: the review was withdrawn",
            var verdict => $"is {verdict.SnakeCase()}",
        };
        return new Notice(
            Invariant($"{e.Id}-reviewed-{review.At.UtcTicks:x}"), RecordTypes.Review, Title(e.Label, e.Stream.Id),
            Printable.Text($"{Clock(at)}: {said}, says {review.By}"), urgency, review.At,
            Json(json => RecordJson.Write(json, review)))
        {
            Subject = e.Stream.Id,
            Link = LinkTo(e.Id),
            EventId = e.Id,
        };
    }

    /// <summary>Many events in one.</summary>
    /// <param name="rule">The rule that wants them.</param>
    /// <param name="held">They, in order; at least one.</param>
    public Notice Digest(EventRule rule, IReadOnlyList<HeldNotice> held)
    {
        static List<(string Name, int Count)> Counts(IEnumerable<string> names) =>
            [.. names.CountBy(n => n).Select(n => (n.Key, n.Value)).OrderByDescending(n => n.Value)
                .ThenBy(n => n.Key, StringComparer.Ordinal)];
        var (labels, streams) = (Counts(held.Select(h => h.Label)), Counts(held.Select(h => h.Stream)));
        var (first, last) = (held.Min(h => h.Time), held.Max(h => h.Time));
        return new Notice(
            Invariant($"{rule.Name}-{held[0].Number}-{held[^1].Number}"), RecordTypes.Notice,
            Printable.Text($"{Listed(labels)} in {Span(rule.Within)}"),
            Printable.Text($"{Clock(first)} to {Clock(last)}: {Listed(streams)}"), rule.Urgency, last, Json(json =>
            {
                json.WriteStartObject();
                json.WriteString("kind", "digest");
                json.WriteString("since", first.UtcDateTime);
                json.WriteString("until", last.UtcDateTime);
                json.WriteStartArray("events");
                foreach (var ((label, stream), count) in held.CountBy(h => (h.Label, h.Stream)))
                {
                    json.WriteStartObject();
                    json.WriteString("event_label", label);
                    json.WriteString("stream", stream);
                    json.WriteNumber("count", count);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                json.WriteEndObject();
            }))
        {
            Link = link is null ? null : $"{link}/#events",
        };
    }

    /// <summary>Something about the system.</summary>
    /// <param name="fault">What.</param>
    /// <param name="urgency">How loudly.</param>
    public Notice Of(SystemFault fault, Urgency urgency) => new(
        Invariant($"{fault.Kind}-{Hash(fault.Subject)}-{fault.At.UtcTicks:x}"),
        RecordTypes.Notice, Printable.Text(fault.Title), Printable.Text(fault.Text), urgency, fault.At, Json(json =>
        {
            json.WriteStartObject();
            json.WriteString("kind", fault.Kind);
            json.WriteString("subject", fault.Subject);
            json.WriteEndObject();
        }))
    {
        Subject = fault.Subject,
        Link = link is null ? null : $"{link}/#health",
    };

    /// <summary>A notification that tries a target.</summary>
    public Notice Trial() => new(
        Invariant($"trial-{time.GetUtcNow().UtcTicks:x}"), RecordTypes.Notice, "AstStream can reach you",
        $"This is a trial, sent at {Clock(time.GetUtcNow())}.", Urgency.Normal, time.GetUtcNow(),
        """{"kind":"trial"}""")
    {
        Subject = "trial",
        Link = link,
    };

    private static string Title(string label, string stream) => Printable.Text($"{label} · {stream}");

    private static string Listed(List<(string Name, int Count)> counts)
    {
        var shown = string.Join(", ", counts.Take(MostNamed).Select(c => Invariant($"{c.Count} × {c.Name}")));
        return counts.Count <= MostNamed ? shown : Invariant($"{shown} and {counts.Skip(MostNamed).Sum(c => c.Count)} more");
    }

    /// <summary>A name as an id may have it.</summary>
    private static string Hash(string name) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)))[..16];

    private static string Span(TimeSpan span) => span switch
    {
        { TotalMinutes: < 1 } => Invariant($"{span.TotalSeconds:0.#} s"),
        { TotalHours: < 1 } => Invariant($"{span.TotalMinutes:0.#} min"),
        _ => Invariant($"{span.TotalHours:0.#} h"),
    };

    private static string Json(Action<Utf8JsonWriter> write) => Encoding.UTF8.GetString(JsonText.Bytes(write));

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);

    private string? LinkTo(string eventId) => link is null ? null : $"{link}/#events/{Uri.EscapeDataString(eventId)}";

    /// <summary>A time as people here read it, with the date where that is another day.</summary>
    private string Clock(DateTimeOffset at)
    {
        var local = TimeZoneInfo.ConvertTime(at, time.LocalTimeZone);
        var today = TimeZoneInfo.ConvertTime(time.GetUtcNow(), time.LocalTimeZone).Date;
        return local.ToString(local.Date == today ? "HH:mm:ss" : "yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
    }
}
