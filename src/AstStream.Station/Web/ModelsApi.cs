using System.ComponentModel;
using AstStream.Station.Store;
using AstStream.Streaming.Pipelines;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Routing;

namespace AstStream.Station.Web;

/// <summary>The models that run, how each differs from the one in its shadow, and their exchange.</summary>
internal static class ModelsApi
{
    private const int MostShown = 200; // events of each

    private static readonly TimeSpan s_usual = TimeSpan.FromDays(7);

    public static void Map(RouteGroupBuilder api, WebSource source, TimeProvider time)
    {
        api.MapGet("/models", Results<Ok<ModelsItem>, ProblemHttpResult> () => source.Run.Control is { } control
            ? TypedResults.Ok(new ModelsItem(control.Version, [.. control.Models.Select(m => Item(m)!)])) : Problems.NoPipeline())
            .Needs(Right.Read).WithName("models").WithSummary("The models that run, with those in their shadows.");
        api.MapGet("/models/{name}/differences", Results<Ok<DifferencesItem>, ProblemHttpResult> (
            [Description("The model's name.")] string name,
            [Description("The earliest event; the last 7 days by default.")] DateTimeOffset? since) =>
            {
                if (source.Run.Control?.Models.FirstOrDefault(m => m.Name == name) is not { } model)
                    return Problems.NotFound("model", name);
                if (model.Shadow is not { } shadow)
                    return Problems.NotFound("shadow of the model", name);
                using var reader = ShadowReader.Open(source.Store);
                return TypedResults.Ok(Item(reader.Compare(
                    model.Name, model.Hash, shadow.Name, shadow.Hash, since ?? time.GetUtcNow() - s_usual)));
            })
            .Needs(Right.Read).WithName("model_differences")
            .WithSummary("Where a model and the one in its shadow differ, in the time that both heard; the last minute may be missing.");
        api.MapPost("/models/{name}/promote", async Task<Results<NoContent, ProblemHttpResult>> (
            [Description("The model's name.")] string name, PromoteBody body, CancellationToken aborted) =>
            {
                if (source.Run.Control is not { } control)
                    return Problems.NoPipeline();
                if (control.Models.FirstOrDefault(m => m.Name == name) is not { } model)
                    return Problems.NotFound("model", name);
                if (model.Shadow is null)
                    return Problems.NotFound("shadow of the model", name);
                var refusal = await control.PromoteAsync(name, body.Version, aborted).ConfigureAwait(false);
                return refusal is null ? TypedResults.NoContent() : Problems.Of(StatusCodes.Status409Conflict, refusal);
            })
            .Needs(Right.Admin).WithName("promote_model")
            .WithSummary("Exchanges a model and the one in its shadow in the pipeline's file, and takes that over; again brings it back.");
    }

    private static ModelItem? Item(PipelineModel? model) =>
        model is null ? null : new ModelItem(model.Name, model.Path, model.Hash, model.Labels, Item(model.Shadow));

    private static DifferencesItem Item(ShadowComparison c) => new(
        c.Times.Count == 0 ? null : c.Times[0].Began, Math.Round(c.Times.Sum(t => (t.Ended - t.Began).TotalSeconds), 1),
        [.. c.Labels.Select(l => new LabelItem(l.Label, l.Both, l.ModelAlone, l.ShadowAlone))],
        [.. c.ModelAlone.Take(MostShown).Select(e => new OnlyItem(
            e.Event.Id, e.Event.Stream.Id, e.Event.Label, e.Time, Math.Round(e.Event.Offset - e.Event.Onset, 3),
            Math.Round(e.Event.Score, 4)))],
        [.. c.ShadowAlone.Take(MostShown).Select(e => new OnlyItem(
            null, e.Stream, e.Label, e.Time, Math.Round((e.End - e.Time).TotalSeconds, 3), Math.Round(e.Score, 4)))],
        new ReviewedItem(c.Right, c.RightKept, c.Wrong, c.WrongKept, c.Renamed));

    /// <summary>The models.</summary>
    internal sealed record ModelsItem(
        [property: Description("Of the pipeline's file; a change names the one that it was made for.")] string Version,
        [property: Description("They.")] IReadOnlyList<ModelItem> Models);

    /// <summary>A model.</summary>
    internal sealed record ModelItem(
        [property: Description("Its name in the pipeline.")] string Name,
        [property: Description("Its folder.")] string Path,
        [property: Description("Its hash, as events carry it.")] string Hash,
        [property: Description("How many labels it has.")] int Labels,
        [property: Description("The one that scores in its shadow.")] ModelItem? Shadow);

    /// <summary>Which version of the pipeline is changed.</summary>
    internal sealed record PromoteBody([property: Description("The version.")] string Version);

    /// <summary>How two models differ.</summary>
    internal sealed record DifferencesItem(
        [property: Description("When both began to hear; left out where they have not yet.")] DateTimeOffset? Since,
        [property: Description("For how many seconds both heard.")] double Seconds,
        [property: Description("How often each label was reported; the ones that differ most first.")] IReadOnlyList<LabelItem> Labels,
        [property: Description("The latest events that the model alone has.")] IReadOnlyList<OnlyItem> Model,
        [property: Description("The latest events that the one in its shadow alone would have.")] IReadOnlyList<OnlyItem> Shadow,
        [property: Description("What the one in its shadow makes of the events that people reviewed.")] ReviewedItem Reviewed);

    /// <summary>A label's events.</summary>
    internal sealed record LabelItem(
        [property: Description("The label.")] string Label,
        [property: Description("Events that both have.")] int Both,
        [property: Description("Events that the model alone has.")] int Model,
        [property: Description("Events that the one in its shadow alone has.")] int Shadow);

    /// <summary>An event that one of the two has.</summary>
    internal sealed record OnlyItem(
        [property: Description("Its id; what a shadow would report has none.")] string? Id,
        [property: Description("The stream.")] string Stream,
        [property: Description("The label.")] string Label,
        [property: Description("When it began.")] DateTimeOffset Time,
        [property: Description("How long it was.")] double Seconds,
        [property: Description("The highest score.")] double Score);

    /// <summary>Figures on reviewed events.</summary>
    internal sealed record ReviewedItem(
        [property: Description("Events that people found right.")] int Right,
        [property: Description("Those of them that the one in its shadow has, too.")] int RightKept,
        [property: Description("Events that people found wrong, or another label.")] int Wrong,
        [property: Description("Those of them that it would repeat.")] int WrongKept,
        [property: Description("Those of them that it calls what people called them.")] int Renamed);
}
