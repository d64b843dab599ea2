using System.Globalization;
using AstStream.Learning.Evaluation;
using Spectre.Console;

namespace AstStream.Worker.Commands;

/// <summary>What a training shows at its end.</summary>
internal static class TrainTables
{
    /// <summary>Shows how well labels are told, by label.</summary>
    public static void ShowLabels(IReadOnlyList<string> labels, IReadOnlyList<double> thresholds, ClipReport report)
    {
        var table = new Table().Border(TableBorder.Simple)
            .AddColumns("label", "clips", "AP", "threshold", "precision", "recall", "taken for");
        foreach (var (label, threshold) in labels.Zip(thresholds))
        {
            var c = report.Classes.FirstOrDefault(m => m.Label == label);
            table.AddRow(
                Terminal.Cell(label), $"{c?.Clips ?? 0}", Number(c?.AveragePrecision), Number(threshold),
                Number(report.At(label, threshold).Precision), Number(report.At(label, threshold).Recall),
                Terminal.Cell(c?.TakenFor is { } other ? $"{other.Label} ({other.Clips})" : ""));
        }

        Terminal.Table(table);
    }

    /// <summary>A row of figures for each of some reports.</summary>
    public static void ShowReports(params (string Name, ClipReport? Report)[] reports)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("", "clips", "recordings", "top-1", "mAP");
        foreach (var (name, report) in reports)
        {
            if (report is not null)
                table.AddRow(
                    name, $"{report.Clips}", $"{report.Groups}", report.Labels > 1 ? EvaluateClips.Share(report.Top1) : "",
                    report.MeanAveragePrecision.ToString("0.000", CultureInfo.InvariantCulture));
        }

        Terminal.Table(table);
    }

    private static string Number(double? value) =>
        value is { } v && double.IsFinite(v) ? v.ToString("0.00", CultureInfo.InvariantCulture) : "";
}
