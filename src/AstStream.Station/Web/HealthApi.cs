using System.ComponentModel;
using AstStream.Events;
using AstStream.Streaming.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace AstStream.Station.Web;

/// <summary>Whether all is well, for people and for probes.</summary>
internal static class HealthApi
{
    public static void Map(RouteGroupBuilder api, IEndpointRouteBuilder routes, WebSource source, Liveness liveness)
    {
        api.MapGet("/health", () => TypedResults.Ok(Of(source, liveness)))
            .Needs(Right.Read).WithName("health").WithSummary("How the run does, with a sentence for each thing that is wrong.");
        routes.MapMethods("/health/live", Problems.Looking, Results<Ok<string>, ProblemHttpResult> () => liveness.IsAlive
            ? TypedResults.Ok("alive") : Problems.Of(StatusCodes.Status503ServiceUnavailable, "the engine makes no progress"))
            .Needs(Right.Nothing).WithTags("probes").WithName("is_live").WithSummary("200 while the engine makes progress.");
        routes.MapMethods(
            "/health/ready", Problems.Looking, Results<Ok<string>, ProblemHttpResult> () => Missing(source.Run) is not { } missing
            ? TypedResults.Ok("ready") : Problems.Of(StatusCodes.Status503ServiceUnavailable, missing))
            .Needs(Right.Nothing).WithTags("probes").WithName("is_ready")
            .WithSummary("200 when models are open and have passed their checks, sources run and the store can be written to.");
    }

    /// <summary>What is missing for the run to be ready; null where nothing is. For everybody: it names nothing.</summary>
    private static string? Missing(RunState run) =>
        !run.HasStarted() ? "models, sources and sinks are being opened"
        : run.Report.Sinks.GetValueOrDefault(StationSink) != SinkState.Well ? "the store can't be written to"
        : run.Report.Health.Any(h => h.State is SourceState.Starting) ? "a source is being opened"
        : null;

    /// <summary>The name of the station among the sinks.</summary>
    public const string StationSink = "station";

    private static HealthItem Of(WebSource source, Liveness liveness)
    {
        var report = source.Run.Report;
        List<string> sentences = [.. Sentences(source, liveness)];
        var coverage = report.CoverageByModel.Select(c => new ModelCoverage(
            c.Key, Seconds(c.Value.Analysed), Seconds(c.Value.Gated),
            Enum.GetValues<LossReason>().Where(r => c.Value.LostTo(r) > 0)
                .ToDictionary(r => r.SnakeCase(), r => Seconds(c.Value.LostTo(r)))));
        var queues = source.Run.Edges().Select(e => new QueueItem(e.To, e.Message, e.Depth, e.Waits));
        return new HealthItem(
            sentences.Count == 0, sentences, source.Run.Version, report.Models, report.Streams, report.Windows, report.Batches,
            Math.Round(report.AudioSeconds, 1), Math.Round(report.ElapsedSeconds, 1), [.. coverage], [.. queues],
            report.DroppedBySink.ToDictionary(), Free(source.Store),
            new FileInfo(source.Store) is { Exists: true } file ? file.Length : 0);
    }

    private static IEnumerable<string> Sentences(WebSource source, Liveness liveness)
    {
        var report = source.Run.Report;
        if (!source.Run.HasStarted())
            yield return "The run is being opened: models are checked, sources and sinks opened.";
        if (!liveness.IsAlive)
            yield return "The engine makes no progress.";
        foreach (var health in report.Health)
        {
            var what = health.State switch
            {
                SourceState.Away => "is away, and looked for",
                SourceState.Stalled => "is open, and nothing comes from it",
                SourceState.Silent => "gives nothing but zeros; is it muted?",
                SourceState.Failed => "has failed",
                _ => null,
            };
            if (what is not null)
                yield return $"{health.Stream} {what}.";
        }

        foreach (var (sink, state) in report.Sinks)
        {
            if (state == SinkState.Failing)
                yield return $"The sink {sink} can't write at the moment; what comes for it waits.";
            else if (state == SinkState.Out)
                yield return $"The sink {sink} can't write; what comes for it is lost until it can.";
        }

        foreach (var (sink, records) in report.DroppedBySink)
            yield return $"The sink {sink} missed {records} records.";
        foreach (var (model, totals) in report.CoverageByModel)
        {
            if (totals.LostTo(LossReason.Overload) is > 0 and var samples)
                yield return FormattableString.Invariant(
                    $"{Seconds(samples):0} s were not scored: more came than {model} can score. A longer hop or fewer streams would fit.");
        }

        if (!File.Exists(source.Store))
            yield return "The station's folder, or its store, is away.";
        foreach (var trouble in source.ClipTroubles())
            yield return trouble;
        foreach (var error in report.Errors.Take(20))
            yield return Printable.Text($"{error.Source}: {error.Message}");
    }

    /// <summary>Free bytes of a file's disk; null where its folder is away.</summary>
    private static long? Free(string path)
    {
        try
        {
            return new DriveInfo(Path.GetDirectoryName(path)!).AvailableFreeSpace;
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static double Seconds(long samples) => Math.Round(ModelTime.Seconds(samples), 1);

    /// <summary>How the run does.</summary>
    internal sealed record HealthItem(
        [property: Description("Whether nothing is wrong.")] bool IsWell,
        [property: Description("A sentence for each thing that is wrong.")] IReadOnlyList<string> Troubles,
        [property: Description("The program's version.")] string Version,
        [property: Description("The models as they run.")] IReadOnlyList<string> Models,
        [property: Description("Streams that began.")] long Streams,
        [property: Description("Windows that were scored.")] long Windows,
        [property: Description("Runs of models.")] long Batches,
        [property: Description("Seconds of sound that were heard.")] double AudioSeconds,
        [property: Description("Seconds since the start.")] double ElapsedSeconds,
        [property: Description("What became of the streams' time, by model.")] IReadOnlyList<ModelCoverage> Coverage,
        [property: Description("What waits on the arrows of the graph.")] IReadOnlyList<QueueItem> Queues,
        [property: Description("Records that sinks missed.")] IReadOnlyDictionary<string, long> Dropped,
        [property: Description("Free bytes of the store's disk; left out where its folder is away.")] long? FreeBytes,
        [property: Description("Bytes of the store.")] long StoreBytes);

    /// <summary>Seconds of all streams, by what became of them.</summary>
    internal sealed record ModelCoverage(string Model, double Analysed, double Gated, IReadOnlyDictionary<string, double> Lost);

    /// <summary>What waits on an arrow of the graph.</summary>
    internal sealed record QueueItem(string To, string Message, int Depth, long Waits);
}
