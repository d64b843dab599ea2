using System.ComponentModel;
using AstStream.Dsp.Levels;
using AstStream.Station.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace AstStream.Station.Web;

/// <summary>How loud streams were, by minute.</summary>
internal static class LevelsApi
{
    private const int MostMinutes = 10_080; // a week

    public static void Map(RouteGroupBuilder api, WebSource source) =>
        api.MapGet("/levels", Results<Ok<LevelPage>, ProblemHttpResult> (
            [Description("The stream.")] string stream, [Description("The earliest minute.")] DateTimeOffset since,
            [Description("Minutes are before it.")] DateTimeOffset until,
            [Description("Whether bands are given too.")] bool? bands,
            [Description("The most minutes, 1 to 10080, which is the default.")] int? limit) =>
            {
                if (until <= since)
                    return Problems.Bad("until: expected a time after since");
                if (limit is not (null or (>= 1 and <= MostMinutes)))
                    return Problems.Bad($"expected limit from 1 to {MostMinutes}");
                using var reader = StoreReader.Open(source.Store);
                var minutes = reader.Levels(stream, since, until, limit ?? MostMinutes);
                var most = bands == true ? minutes.Select(m => m.Levels.Bands.Count).DefaultIfEmpty().Max() : 0;
                return TypedResults.Ok(new LevelPage(
                    [.. Enumerable.Range(ThirdOctaves.Lowest, most).Select(b => Math.Round(ThirdOctaves.Nominal(b), 1))],
                    [.. minutes.Select(m => Of(m, bands == true))],
                    minutes.Count == (limit ?? MostMinutes) ? minutes[^1].Minute.AddMinutes(1).UtcDateTime : null));
            })
            .Needs(Right.Read).WithName("levels").WithSummary("How loud a stream was, by minute.");

    private static LevelItem Of(StoredMinute minute, bool hasBands)
    {
        var levels = minute.Levels;
        return new LevelItem(
            minute.Minute.UtcDateTime, Math.Round(levels.Seconds, 1), Rounded(levels.LAeq), Rounded(levels.LCpeak), Rounded(levels.LA10),
            Rounded(levels.LA90), minute.Unit, hasBands ? [.. levels.Bands.Select(b => Rounded(b))] : null);
    }

    private static double Rounded(double level) => Math.Round(level, 1);

    /// <summary>Levels of some minutes.</summary>
    internal sealed record LevelPage(
        [property: Description("The middles of the one-third-octave bands, in Hz; none unless bands are asked for.")]
        IReadOnlyList<double> Bands,
        [property: Description("The minutes that were heard, in their order.")] IReadOnlyList<LevelItem> Minutes,
        [property: Description("Where more may follow: since of the next call.")] DateTime? Next);

    /// <summary>Levels of a minute.</summary>
    internal sealed record LevelItem(
        [property: Description("When the minute began.")] DateTime Time,
        [property: Description("Seconds of it that were heard.")] double Seconds,
        [property: Description("Equivalent continuous A-weighted level.")] double Laeq,
        [property: Description("C-weighted peak.")] double Lcpeak,
        [property: Description("A-weighted level, time weighting F, exceeded a tenth of the time.")] double La10,
        [property: Description("A-weighted level, time weighting F, exceeded nine tenths of the time.")] double La90,
        [property: Description("dB SPL where the source was calibrated, else dBFS: 0 is a full-scale square wave.")] string Unit,
        [property: Description("Equivalent levels of the bands, without weighting.")] IReadOnlyList<double>? Bands);
}
