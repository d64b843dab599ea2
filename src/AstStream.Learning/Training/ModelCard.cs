using System.Globalization;
using System.Text;
using System.Text.Json;
using AstStream.Learning.Evaluation;

namespace AstStream.Learning.Training;

/// <summary>What a model that was trained here says of itself: README.md, with the front matter that Hugging Face reads.</summary>
public sealed record ModelCard
{
    /// <summary>The model's name.</summary>
    public required string Name { get; init; }

    /// <summary>The model that it was trained from: its name.</summary>
    public required string Base { get; init; }

    /// <summary>The base's hash.</summary>
    public required string BaseHash { get; init; }

    /// <summary>What the data is called.</summary>
    public required string Data { get; init; }

    /// <summary>The licence of the model, as its maker says it; null where nothing was said.</summary>
    public string? Licence { get; init; }

    /// <summary>When it was trained.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Labels of the base that were kept.</summary>
    public int Kept { get; init; }

    /// <summary>The card of a head.</summary>
    public string Of(TrainedHead head) => Text(
        head.Labels, head.Thresholds, $"a linear head on the embeddings of {BaseText}, whose other weights are as they were",
        [
            ("data", $"{Plain(Data)}: {head.Clips.Clips} clips of {head.Clips.Recordings} recordings"),
            ("ridge", Ridge(head)),
            ("cross-validated", Figures(head.CrossValidated)),
        ],
        head.HeldOut, "the figures above are of heads that were fitted on the other folds", ("Cross-validated", head.CrossValidated));

    /// <summary>The card of a transformer that was trained further.</summary>
    /// <param name="tuned">What it gave.</param>
    /// <param name="labels">Its labels.</param>
    /// <param name="depth">What was trained, in words.</param>
    /// <param name="clips">Clips that it learnt from, and of how many recordings.</param>
    public string Of(FineTuned tuned, IReadOnlyList<string> labels, string depth, (int Clips, int Recordings) clips) => Text(
        labels, tuned.Thresholds, $"{depth} of {BaseText}",
        [
            ("data", $"{Plain(Data)}: {clips.Clips} clips of {clips.Recordings} recordings were learnt from"),
            ("epochs", $"{tuned.Epochs[^1].Epoch}, of which {tuned.Best} is the best one"),
            ("what it began with: a head on the base's embeddings", Figures(tuned.Epochs[0].Top1, tuned.Epochs[0].MeanAveragePrecision)),
            ($"chosen by: {tuned.Chosen.Clips} clips of {tuned.Chosen.Groups} other recordings", Figures(tuned.Chosen)),
        ],
        tuned.HeldOut, "the figures above are of clips that the epoch and the thresholds were chosen by, and flatter",
        ("Chosen by", tuned.Chosen));

    private string BaseText => $"{Plain(Base)} (hash {BaseHash[..12]})";

    private string Text(
        IReadOnlyList<string> labels, IReadOnlyList<double> thresholds, string how, IEnumerable<(string What, string Text)> facts,
        ClipReport? heldOut, string withoutHeldOut, (string Name, ClipReport Report) otherwise)
    {
        var text = new StringBuilder();
        text.Append(
            $"""
            ---
            library_name: transformers
            pipeline_tag: audio-classification
            tags: [audio-spectrogram-transformer, aststream]
            license: {JsonSerializer.Serialize(Licence ?? "unknown")}
            ---

            # {Plain(Name)}

            An Audio Spectrogram Transformer for {labels.Count} labels, trained with AstStream on {At.UtcDateTime:yyyy-MM-dd}: {how}.

            | | |
            |---|---|

            """);
        foreach (var (what, fact) in facts)
            text.Append(CultureInfo.InvariantCulture, $"| {what} | {fact} |\n");
        text.Append(heldOut is not null
            ? $"| kept out: {heldOut.Clips} clips of {heldOut.Groups} recordings | {Figures(heldOut)} |\n"
            : $"| kept out | nothing: {withoutHeldOut} |\n");
        if (Kept > 0)
            text.Append(CultureInfo.InvariantCulture, $"| labels of the base that were kept, as they were | {Kept} |\n");
        var measured = heldOut ?? otherwise.Report;
        text.Append(
            CultureInfo.InvariantCulture,
            $"\n{(heldOut is null ? otherwise.Name : "Kept out")}, by label; a threshold is the score from which on the label is "
                + $"believed (thresholds.json).\n\n| label | clips | average precision | AUC | threshold | precision | recall |\n"
                + $"|---|---:|---:|---:|---:|---:|---:|\n");
        foreach (var (i, label) in labels.Index())
        {
            var figures = measured.Classes.FirstOrDefault(c => c.Label == label);
            text.Append(CultureInfo.InvariantCulture, $"| {Plain(label)} | {figures?.Clips ?? 0} | {Number(figures?.AveragePrecision)} ");
            var (precision, recall) = measured.At(label, thresholds[i]);
            text.Append(
                CultureInfo.InvariantCulture,
                $"| {Number(figures?.Auc)} | {thresholds[i]:0.000} | {Number(precision)} | {Number(recall)} |\n");
        }

        return text.ToString();
    }

    private static string Ridge(TrainedHead head) => string.Create(
        CultureInfo.InvariantCulture, $"{head.Ridge:0e0}, of {head.Losses.Count} that were tried, by cross-validation over recordings");

    private static string Figures(ClipReport report) => string.Create(
        CultureInfo.InvariantCulture,
        $"{(report.Labels > 1
            ? $"top-1 {100 * report.Top1.Share:0.0} % ({100 * report.Top1.Low:0.0} to {100 * report.Top1.High:0.0}), " : "")}mAP "
            + $"{report.MeanAveragePrecision:0.000}");

    private static string Figures(double top1, double precision) =>
        string.Create(CultureInfo.InvariantCulture, $"top-1 {100 * top1:0.0} %, mAP {precision:0.000}");

    private static string Number(double? value) =>
        value is { } v && double.IsFinite(v) ? v.ToString("0.000", CultureInfo.InvariantCulture) : "";

    /// <summary>A text that stays in its cell.</summary>
    private static string Plain(string text) =>
        string.Concat(text.Where(c => !char.IsControl(c))).Replace("|", "\\|", StringComparison.Ordinal);
}
