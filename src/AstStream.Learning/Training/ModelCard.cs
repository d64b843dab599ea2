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

    /// <summary>Groups of its localiser: those of the base's that were kept, and those of its own; null where it has none.</summary>
    public (int Kept, int Own)? Localiser { get; init; }

    /// <summary>The card of a head.</summary>
    /// <param name="head">The head.</param>
    /// <param name="localiser">What a localiser's training gave; null where there was none.</param>
    public string Of(TrainedHead head, FineTuned? localiser = null) => Text(
        head.Labels, head.Thresholds,
        $"a linear head on the embeddings of {BaseText}{(localiser is null ? "" : ", and a localiser")}; other weights are as they were",
        [
            ("data", $"{Plain(Data)}: {head.Clips.Clips} clips of {head.Clips.Recordings} recordings"),
            ("ridge", Ridge(head)),
            ("cross-validated", Figures(head.CrossValidated)),
            .. localiser is null ? [] : Epochs(localiser),
            .. Groups,
            .. KeptAsTheyWere,
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
            .. Epochs(tuned),
            ("what it began with: a head on the base's embeddings", Figures(tuned.Epochs[0].Top1, tuned.Epochs[0].MeanAveragePrecision)),
            ($"chosen by: {tuned.Chosen.Clips} clips of {tuned.Chosen.Groups} other recordings", Figures(tuned.Chosen)),
            .. Groups,
            .. KeptByTheBase(tuned.Epochs[tuned.Best].Kept),
        ],
        tuned.HeldOut, "the figures above are of clips that the epoch and the thresholds were chosen by, and flatter",
        ("Chosen by", tuned.Chosen));

    private IEnumerable<(string What, string Text)> Groups => Localiser is not { } localiser ? []
        : [("groups of labels that a localiser places in time",
            $"{localiser.Own} of its own{(localiser.Kept > 0 ? $", {localiser.Kept} of the base's" : "")}")];

    private IEnumerable<(string What, string Text)> KeptAsTheyWere =>
        Kept == 0 ? [] : [("labels of the base that were kept, as they were", $"{Kept}")];

    private IEnumerable<(string What, string Text)> KeptByTheBase(double share) => Kept == 0 ? []
        : [("labels of the base that were kept, by what the base said of the same sound",
            double.IsNaN(share) ? $"{Kept}" : string.Create(
                CultureInfo.InvariantCulture,
                $"{Kept}; the highest one is the base's in {100 * share:0.0} % of the clips that the epoch was chosen by"))];

    private static IEnumerable<(string What, string Text)> Epochs(FineTuned tuned)
    {
        yield return ("epochs", $"{tuned.Epochs[^1].Epoch}, of which {tuned.Best} is the best one");
        string[] places =
        [
            .. Place(tuned.Places, "of what is kept out"), .. Place(tuned.Epochs[tuned.Best].Places, "of what the epoch was chosen by"),
        ];
        if (places.Length > 0)
            yield return ("when a label sounds that is there: F1 of columns", string.Join(", ", places));
    }

    private static IEnumerable<string> Place(double f1, string of) => double.IsNaN(f1) ? [] : [$"{Number(f1)} {of}"];

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

    private static string Ridge(TrainedHead head)
    {
        var chosen = head.Losses.Count > 1 ? $", of {head.Losses.Count} that were tried, by cross-validation over recordings" : "";
        return string.Create(CultureInfo.InvariantCulture, $"{head.Ridge:0e0}{chosen}");
    }

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
        string.Concat(text.Where(c => !char.IsControl(c))).Replace("|", "\\|", StringComparison.Ordinal)
            .Replace("<", "&lt;", StringComparison.Ordinal);
}
