using System.ComponentModel;
using AstStream.Station.Store;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace AstStream.Station.Web;

/// <summary>Thresholds: what they are, what others would have meant, and another one in the pipeline's file.</summary>
internal static class PipelineApi
{
    private const int Bins = 50;
    private const int MostEvents = 10_000; // of a histogram

    public static void Map(RouteGroupBuilder api, WebSource source)
    {
        api.MapGet("/pipeline", Results<Ok<PipelineItem>, ProblemHttpResult> () => source.Run.Control is { } control
            ? TypedResults.Ok(new PipelineItem(control.Version, control.Thresholds)) : Problems.NoPipeline())
            .Needs(Right.Read).WithName("pipeline").WithSummary("The thresholds that the pipeline runs with.");
        api.MapPut("/pipeline/threshold", async Task<Results<NoContent, ProblemHttpResult>> (
            ThresholdBody body, CancellationToken aborted) =>
            {
                if (source.Run.Control is not { } control)
                    return Problems.NoPipeline();
                if (body.Threshold is not (>= 0 and <= 1))
                    return Problems.Bad("threshold: expected a number from 0 to 1");
                if (!control.Thresholds.TryGetValue(body.Model, out var labels) || !labels.ContainsKey(body.Label))
                    return Problems.Bad($"the pipeline has no model '{body.Model}' that makes events of the label '{body.Label}'");
                var refusal = await control.SetThresholdAsync(body.Model, body.Label, body.Threshold, body.Version, aborted)
                    .ConfigureAwait(false);
                return refusal is null ? TypedResults.NoContent() : Problems.Of(StatusCodes.Status409Conflict, refusal);
            })
            .Needs(Right.Admin).WithName("set_threshold")
            .WithSummary("Writes a label's threshold into the pipeline's file, and takes it over; 409 where that can't be done.");
        api.MapGet("/scores", Results<Ok<ScoreItem>, ProblemHttpResult> ([Description("The label.")] string label) =>
            {
                using var reader = StoreReader.Open(source.Store);
                var counts = reader.Scores(label, Bins, MostEvents);
                return TypedResults.Ok(new ScoreItem(label, Bins, [.. counts.Select(c => c.Events)], [.. counts.Select(c => c.Right)],
                    [.. counts.Select(c => c.Wrong)]));
            })
            .Needs(Right.Read).WithName("scores")
            .WithSummary("How many of a label's latest 10,000 events have which score, and what people found.");
    }

    /// <summary>The thresholds of a pipeline.</summary>
    internal sealed record PipelineItem(
        [property: Description("Of the file; a change names the one that it was made for.")] string Version,
        [property: Description("The scores that open events, by model and label.")]
        IReadOnlyDictionary<string, IReadOnlyDictionary<string, double>> Thresholds);

    /// <summary>Another threshold.</summary>
    internal sealed record ThresholdBody(
        [property: Description("The model's name.")] string Model, [property: Description("The label.")] string Label,
        [property: Description("The score, 0 to 1.")] double Threshold,
        [property: Description("The version of the pipeline that is changed.")] string Version);

    /// <summary>A histogram of scores: of equal bins from 0 to 1.</summary>
    internal sealed record ScoreItem(
        [property: Description("The label.")] string Label, [property: Description("How many bins there are.")] int Bins,
        [property: Description("Events with a score in each bin.")] IReadOnlyList<int> Events,
        [property: Description("Those of them that people found right.")] IReadOnlyList<int> Right,
        [property: Description("Those that people found wrong, or another label.")] IReadOnlyList<int> Wrong);
}
