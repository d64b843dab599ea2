using System.ComponentModel;
using AstStream.Station.Find;
using AstStream.Station.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace AstStream.Station.Web;

/// <summary>Events that sound alike.</summary>
internal static class FindApi
{
    private const int UsualLike = 50;
    private const int UsualOfMap = 1000;

    public static void Map(RouteGroupBuilder api, WebSource source, SoundFinder finder)
    {
        api.MapGet("/events/{id}/similar", async Task<Results<Ok<SimilarEvents>, ProblemHttpResult>> (
            string id, [AsParameters] EventFilter filter, [Description("The most events, 1 to 2000; 50 by default.")] int? limit,
            CancellationToken aborted) =>
            {
                var (query, problem) = filter.Read(limit);
                if (query is null)
                    return Problems.Bad(problem!);
                if (await finder.LikeAsync(id, query, limit ?? UsualLike, aborted).ConfigureAwait(false) is { } found)
                    return TypedResults.Ok(new SimilarEvents([.. found.Select(f => new SimilarEvent(WebJson.Of(f.Event), f.Cosine))]));
                using var reader = StoreReader.Open(source.Store);
                return reader.Events(new EventQuery { Id = id }).Any()
                    ? Problems.Of(
                        StatusCodes.Status404NotFound, $"event '{id}' has no embedding: it goes on, or was stored before they were")
                    : Problems.NotFound("event", id);
            })
            .Needs(Right.Read).WithName("similar")
            .WithSummary("Events that sound like one, the likest first: of the 2,000 likest, those that the filter wants. Compared with "
                + "events of the same model.");
        api.MapGet("/events/map", async Task<Results<Ok<MapOfEvents>, ProblemHttpResult>> (
            [AsParameters] EventFilter filter, [Description("The most events, 1 to 2000; 1000 by default.")] int? limit,
            CancellationToken aborted) =>
            {
                var (query, problem) = filter.Read(limit);
                if (query is null)
                    return Problems.Bad(problem!);
                var points = await finder.MapAsync(query with { Limit = limit ?? UsualOfMap }, aborted).ConfigureAwait(false);
                return TypedResults.Ok(new MapOfEvents([.. points.Select(p => new EventOnMap(
                    WebJson.Of(p.Event), Math.Round(p.Place.X, 4), Math.Round(p.Place.Y, 4)))]));
            })
            .Needs(Right.Read).WithName("map")
            .WithSummary("The latest events on a plane where those that sound alike lie near each other; those of one model alone, "
                + "of which there are most.");
    }

    /// <summary>Events that sound like one.</summary>
    /// <param name="Events">They, the likest first.</param>
    internal sealed record SimilarEvents(IReadOnlyList<SimilarEvent> Events);

    /// <summary>An event, and how much it sounds like another one.</summary>
    /// <param name="Event">The event.</param>
    /// <param name="Similarity">The cosine of their embeddings.</param>
    internal sealed record SimilarEvent(
        EventItem Event, [property: Description("The cosine of their embeddings, at most 1.")] double Similarity);

    /// <summary>Events on a plane.</summary>
    /// <param name="Events">They, in the order in which they came.</param>
    internal sealed record MapOfEvents(IReadOnlyList<EventOnMap> Events);

    /// <summary>An event on a plane.</summary>
    /// <param name="Event">The event.</param>
    /// <param name="X">From left to right.</param>
    /// <param name="Y">From top to bottom.</param>
    internal sealed record EventOnMap(
        EventItem Event, [property: Description("From left to right, 0 to 1.")] double X,
        [property: Description("From top to bottom, 0 to 1.")] double Y);
}
