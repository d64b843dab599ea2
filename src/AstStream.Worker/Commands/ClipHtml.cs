using AstStream.Learning.Evaluation;

namespace AstStream.Worker.Commands;

/// <summary>Writes a <see cref="ClipReport"/> as one HTML file.</summary>
internal static class ClipHtml
{
    private const int MostClasses = 120; // a picture of more can't be read

    /// <summary>The page.</summary>
    /// <param name="report">The comparison.</param>
    /// <param name="models">The models' folders.</param>
    public static string Page(ClipReport report, string models)
    {
        static string N(double value, string format = "0.000") => HtmlPage.Number(value, format);
        var page = new HtmlPage($"Clips, by {models}");
        page.Paragraph($"{report.Clips} clips of {report.Groups} recordings. Top-1 {EvaluateClips.Share(report.Top1)}, "
            + $"top-3 {EvaluateClips.Share(report.Top3)}; mAP {N(report.MeanAveragePrecision)}, AUC {N(report.MeanAuc)}, "
            + $"d\u2032 {N(report.DPrime)}.");
        page.Heading("Class by class");
        page.Table([
            ["class", "clips", "AP", "AUC", "recall", "precision", "most often taken for"],
            .. report.Classes.OrderBy(c => c.AveragePrecision).Select(c => (string[])[
                c.Label, $"{c.Clips}", N(c.AveragePrecision), N(c.Auc), N(c.Recall, "0.00"), N(c.Precision, "0.00"),
                c.TakenFor is { } o ? $"{o.Label} ({o.Clips})" : ""]),
        ]);
        string[] labels = [.. report.Classes.Select(c => c.Label).Take(MostClasses)];
        page.Heading("Taken for");
        page.Paragraph("A row a class that is there, a column a class with the highest score; green where it is right."
            + (report.Classes.Count > MostClasses ? $" The first {MostClasses} of {report.Classes.Count} classes." : ""));
        page.Figures([("", SvgPlot.Matrix(labels, (i, k) => report.Confusion.GetValueOrDefault((labels[i], labels[k]))))]);
        return page.ToString();
    }
}
