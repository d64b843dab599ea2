using System.ComponentModel;
using System.Text;
using AstStream.Events;
using AstStream.Station.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace AstStream.Station.Web;

/// <summary>Events, their reviews and exports, counts by day.</summary>
internal static class EventsApi
{
    private const int UsualLimit = 100;
    private const int MostDays = 3700;
    private const int MostLookedAt = 20_000; // events, to find those that are worth a look
    private const double UsualThreshold = 0.5; // of a label that makes no events now

    private static readonly TimeSpan s_lately = TimeSpan.FromDays(30);

    private static readonly Dictionary<string, (string Type, Action<IEnumerable<StoredEvent>, TextWriter> Write)> s_forms =
        new(StringComparer.Ordinal)
        {
            ["csv"] = ("text/csv; charset=utf-8", EventFormats.Csv),
            ["json"] = ("application/x-ndjson", EventFormats.Json),
            ["raven"] = ("text/plain; charset=utf-8", (e, o) => EventFormats.Raven(e, o)),
            ["audacity"] = ("text/plain; charset=utf-8", EventFormats.Audacity),
        };

    public static void Map(RouteGroupBuilder api, WebSource source, TimeProvider time)
    {
        api.MapGet("/events", ([AsParameters] EventFilter filter, [Description("The most events, 1 to 2000; 100 by default.")] int? limit,
            [Description("The next of an answer before, to go on there.")] string? cursor) => List(source, filter, limit, cursor))
            .Needs(Right.Read).WithName("events").WithSummary("The latest events, the latest first.");
        api.MapGet("/events/export", ([AsParameters] EventFilter filter,
            [Description("csv, json (an event a line), raven or audacity.")] string format) => Export(source, filter, format))
            .Needs(Right.Read).WithName("export").WithSummary("Events as a file for other programs, the earliest first.");
        api.MapGet("/events/worth-a-look", (
            [AsParameters] EventFilter filter, [Description("The most events, 1 to 2000; 100 by default.")] int? limit) =>
            Uncertain(source, filter, limit, time))
            .Needs(Right.Read).WithName("worth_a_look")
            .WithSummary("Events to judge first, of the last 30 days by default: closed ones with a clip that nobody reviewed. Labels take "
                + "turns, those with the fewest reviews first, of each the events whose score is nearest to its threshold.");
        api.MapGet("/events/{id}", Results<Ok<EventItem>, ProblemHttpResult> (string id) =>
            {
                using var reader = StoreReader.Open(source.Store);
                return reader.Events(new EventQuery { Id = id }).FirstOrDefault() is { } found
                    ? TypedResults.Ok(WebJson.Of(found)) : Problems.NotFound("event", id);
            })
            .Needs(Right.Read).WithName("event").WithSummary("One event.");
        api.MapPost("/reviews", (ReviewBody body) => Review(source, body, time))
            .Needs(Right.Review).WithName("review").WithSummary("Says of events whether they are right. Reviews are only added to.");
        api.MapGet("/labels", () => Read(source, r => r.Labels()))
            .Needs(Right.Read).WithName("labels").WithSummary("The labels that events of the store have.");
        api.MapGet("/days", Results<Ok<IReadOnlyList<DayCount>>, ProblemHttpResult> (
            [Description("The first day, as 2026-05-01.")] DateOnly first, [Description("The last day.")] DateOnly last,
            [Description("Of one stream; of all by default.")] string? stream) =>
            last.DayNumber - first.DayNumber is >= 0 and < MostDays
                ? Read(source, r => r.Days(first, last, stream)) : Problems.Bad($"expected 1 to {MostDays} days"))
            .Needs(Right.Read).WithName("days").WithSummary("Events and their seconds by day and label.");
    }

    private static Ok<IReadOnlyList<T>> Read<T>(WebSource source, Func<StoreReader, IReadOnlyList<T>> read)
    {
        using var reader = StoreReader.Open(source.Store);
        return TypedResults.Ok(read(reader));
    }

    private static Results<Ok<EventPage>, ProblemHttpResult> List(WebSource source, EventFilter filter, int? limit, string? cursor)
    {
        var (query, problem) = filter.Read(limit);
        if (query is null)
            return Problems.Bad(problem!);
        if (cursor is not null && !StoreReader.IsPlace(cursor))
            return Problems.Bad("cursor: expected the next of an answer before");
        var most = limit ?? UsualLimit;
        using var reader = StoreReader.Open(source.Store);
        List<StoredEvent> events = [.. reader.Events(query with { Limit = most, Before = cursor }).Reverse()];
        return TypedResults.Ok(new EventPage([.. events.Select(WebJson.Of)], events.Count < most ? null : events[^1].Place));
    }

    private static Results<Ok<EventPage>, ProblemHttpResult> Uncertain(
        WebSource source, EventFilter filter, int? limit, TimeProvider time)
    {
        var (query, problem) = filter.Read(limit);
        if (query is null)
            return Problems.Bad(problem!);
        query = query with { Since = query.Since ?? time.GetUtcNow() - s_lately, Limit = MostLookedAt };
        using var reader = StoreReader.Open(source.Store);
        var reviewed = reader.Events(query with
        {
            Labels = [],
            Verdicts = [ReviewVerdict.Right, ReviewVerdict.Wrong, ReviewVerdict.OtherLabel],
        }).CountBy(e => e.Event.Label, StringComparer.Ordinal).ToDictionary(StringComparer.Ordinal);
        var events = reader.Events(query with { Verdicts = [null] })
            .Where(e => e.Clip is not null && e.Event.State == EventState.Closed);
        var thresholds = source.Run.Control?.Thresholds;
        var first = WorthALook.Of(
            events, label => reviewed.GetValueOrDefault(label),
            (model, label) => thresholds?.GetValueOrDefault(model)?.TryGetValue(label, out var own) == true ? own : UsualThreshold,
            limit ?? UsualLimit);
        return TypedResults.Ok(new EventPage([.. first.Select(WebJson.Of)], null));
    }

    private static Results<PushStreamHttpResult, ProblemHttpResult> Export(WebSource source, EventFilter filter, string format)
    {
        var (query, problem) = filter.Read();
        if (query is null)
            return Problems.Bad(problem!);
        if (!s_forms.TryGetValue(format, out var form))
            return Problems.Bad($"format: expected one of {string.Join(", ", s_forms.Keys)}");
        if (format == "audacity" && filter.Streams is not [var only])
            return Problems.Bad("format audacity is of one stream; expected stream=NAME");
        var extension = format switch { "csv" => "csv", "json" => "jsonl", _ => "txt" };
        return TypedResults.Stream(
            async output =>
            {
                using var reader = StoreReader.Open(source.Store);

                // By parts, so that nothing is held in memory and the connection is waited for between them.
                using var text = new StringWriter(new StringBuilder()) { NewLine = "\n" };
                var first = 1;
                foreach (var part in reader.Events(query).Chunk(1000).DefaultIfEmpty([]))
                {
                    if (format == "raven")
                        EventFormats.Raven(part, text, first);
                    else
                        form.Write(part, text);
                    var written = text.GetStringBuilder().ToString();
                    var skipped = first == 1 || format is not ("csv" or "raven") ? 0 : written.IndexOf('\n', StringComparison.Ordinal) + 1;
                    await output.WriteAsync(Encoding.UTF8.GetBytes(written[skipped..])).ConfigureAwait(false);
                    text.GetStringBuilder().Clear();
                    first += part.Length;
                }
            },
            form.Type, $"events.{extension}");
    }

    private static Results<Ok<ReviewResult>, ProblemHttpResult> Review(WebSource source, ReviewBody body, TimeProvider time)
    {
        var (reviews, problem) = body.Read(time.GetUtcNow());
        if (problem is not null)
            return Problems.Bad(problem);
        IReadOnlyList<string> missing = [];
        source.Write(writer => missing = writer.Add(reviews));
        source.Reviewed([.. reviews.Where(r => !missing.Contains(r.EventId))]);
        return TypedResults.Ok(new ReviewResult(reviews.Count - missing.Count, missing));
    }

    /// <summary>Some events.</summary>
    /// <param name="Events">They, the latest first.</param>
    /// <param name="Next">The cursor that goes on after them; left out where there are no more.</param>
    internal sealed record EventPage(IReadOnlyList<EventItem> Events, string? Next);

    /// <summary>What became of reviews.</summary>
    /// <param name="Reviewed">How many were added.</param>
    /// <param name="Missing">Ids of which there is no event.</param>
    internal sealed record ReviewResult(int Reviewed, IReadOnlyList<string> Missing);
}
