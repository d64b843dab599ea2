using System.ComponentModel;
using System.Globalization;
using System.IO.Enumeration;
using AstStream.Events;
using AstStream.Station.Live;
using AstStream.Station.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace AstStream.Station.Web;

/// <summary>Streams: what they are like now, and what became of their time.</summary>
internal static class StreamsApi
{
    private const int UsualLimit = 100;
    private const int MostStreams = 1000; // a page
    private const int MostIntervals = 20_000;
    private const int Heard = 5; // labels

    public static void Map(RouteGroupBuilder api, WebSource source)
    {
        api.MapGet("/streams", Results<Ok<StreamPage>, ProblemHttpResult> (
            [Description("Only streams whose names match, with * for anything.")] string? match,
            [Description("The first one, counted from 0.")] int? offset,
            [Description("The most streams, 1 to 1000; 100 by default.")] int? limit) =>
            {
                if (offset is < 0 || limit is not (null or (>= 1 and <= MostStreams)))
                    return Problems.Bad($"expected offset from 0 on, and limit from 1 to {MostStreams}");
                List<LiveStream> all = [.. source.Streams.All.Where(
                    s => match is null || FileSystemName.MatchesSimpleExpression(match, s.Stream.Id, ignoreCase: true))];
                return TypedResults.Ok(new StreamPage(
                    all.Count, [.. all.Skip(offset ?? 0).Take(limit ?? UsualLimit).Select(Of)]));
            })
            .Needs(Right.Read).WithName("streams").WithSummary("The streams of the run, with what they are like now.");
        api.MapGet("/streams/names", () =>
            {
                using var reader = StoreReader.Open(source.Store);
                return TypedResults.Ok(reader.Streams());
            })
            .Needs(Right.Read).WithName("stream_names").WithSummary("The names of all streams that the store knows.");
        api.MapGet("/coverage", Results<Ok<IReadOnlyList<CoverageItem>>, ProblemHttpResult> (
            [Description("The stream.")] string stream, [Description("The earliest beginning.")] DateTimeOffset since,
            [Description("Beginnings are before it.")] DateTimeOffset until) =>
            {
                if (until <= since)
                    return Problems.Bad("until: expected a time after since");
                using var reader = StoreReader.Open(source.Store);
                return TypedResults.Ok<IReadOnlyList<CoverageItem>>([.. reader.Coverage(stream, since, until, MostIntervals).Select(Of)]);
            })
            .Needs(Right.Read).WithName("coverage").WithSummary("What became of a stream's time: analysed, gated or lost, and why.");
    }

    private static CoverageItem Of(StoredCoverage c) => new(
        c.Time.UtcDateTime, c.Seconds, c.State.ToLowerInvariant(),
        Enum.TryParse<LossReason>(c.Reason, out var reason) && reason != LossReason.None ? reason.SnakeCase() : null,
        c.Source.Length > 0 ? c.Source.ToLower(CultureInfo.InvariantCulture) : null, c.Model);

    private static StreamItem Of(LiveStream live)
    {
        var (stream, health) = (live.Stream, live.Stream.Health);
        var hears = live.Scores.SelectMany(Top)
            .OrderByDescending(h => h.Score).Take(Heard).ToList();
        return new StreamItem(
            stream.Id, stream.Source, live.IsOver ? "ended" : health?.State.SnakeCase() ?? "running", live.SampleRate,
            Rounded(live.Meter?.RmsDb), Rounded(live.Meter?.PeakDb), Rounded((float?)live.WeightedLevel),
            live.WeightedLevel is null ? null : StoredMinute.UnitOf(stream.Calibration is not null), health?.Reconnects,
            health is null || double.IsNaN(health.DriftPpm) ? null : Math.Round(health.DriftPpm, 1),
            health is null ? null : Math.Round(health.SinceLastBlock, 1), stream.IsClockGood, hears,
            live.Unusual is { } unusual ? new UnusualItem(
                float.IsNaN(unusual.Score) ? null : Math.Round(unusual.Score, 3), Math.Round(unusual.Learnt, 3)) : null);
    }

    private static double? Rounded(float? value) => value is { } v && float.IsFinite(v) ? Math.Round(v, 1) : null;

    /// <summary>The labels of the highest scores.</summary>
    private static IEnumerable<HeardItem> Top(LatestScores latest) => HighestScores.Of(latest.Scores, Heard).Select(i => new HeardItem(
        latest.Labels[i], Math.Round(latest.Scores[i], 3),
        float.IsFinite(latest.Thresholds[i]) ? Math.Round(latest.Thresholds[i], 3) : null));

    /// <summary>Some streams.</summary>
    internal sealed record StreamPage(
        [property: Description("How many there are that match.")] int Total,
        [property: Description("They, in the order of their names.")] IReadOnlyList<StreamItem> Streams);

    /// <summary>A stream as it is now.</summary>
    internal sealed record StreamItem(
        [property: Description("Its name.")] string Name,
        [property: Description("Its source's name in the pipeline.")] string Source,
        [property: Description("starting, running, silent, stalled, away, failed, or ended.")] string State,
        [property: Description("Samples a second.")] int SampleRate,
        [property: Description("Level over the last second, dBFS.")] double? LevelDbfs,
        [property: Description("The largest magnitude in it, dBFS.")] double? PeakDbfs,
        [property: Description("A-weighted level now, time weighting F.")] double? LafLevel,
        [property: Description("What that is in: dB SPL where the source is calibrated, else dBFS.")] string? LafUnit,
        [property: Description("Times that a live source was opened again.")] long? Reconnects,
        [property: Description("How much faster its clock runs than this machine's, in parts per million.")] double? DriftPpm,
        [property: Description("Seconds since sound last came.")] double? SinceLastBlock,
        [property: Description("Whether its times are to be relied on.")] bool ClockSynchronized,
        [property: Description("What it hears now: the labels of the highest scores, under their thresholds too.")]
        IReadOnlyList<HeardItem> Hears,
        [property: Description("How unusual it sounds; left out where events.unusual does not ask.")] UnusualItem? Unusual);

    /// <summary>How unusual a stream sounds.</summary>
    internal sealed record UnusualItem(
        [property: Description("0 to 1, 0.5 and more for what makes an event; left out while that is not known yet.")] double? Score,
        [property: Description("How much of what is to be heard before the first event was heard, 0 to 1.")] double Learnt);

    /// <summary>A label with the score of the latest window.</summary>
    internal sealed record HeardItem(
        [property: Description("The label.")] string Label,
        [property: Description("Its score.")] double Score,
        [property: Description("The score that opens an event; left out for a label that makes none.")] double? Threshold);

    /// <summary>An interval of a stream's time.</summary>
    internal sealed record CoverageItem(
        [property: Description("When it began; where that is not known, when it was stored.")] DateTime Time,
        [property: Description("How long it is.")] double Seconds,
        [property: Description("analysed, gated or lost.")] string State,
        [property: Description("Why it was lost.")] string? Reason,
        [property: Description("What its source was like.")] string? SourceState,
        [property: Description("The model.")] string Model);
}
