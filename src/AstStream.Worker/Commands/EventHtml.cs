using AstStream.Learning.Evaluation;
using AstStream.Learning.Statistics;

namespace AstStream.Worker.Commands;

/// <summary>Writes an <see cref="EventReport"/> as one HTML file.</summary>
internal static class EventHtml
{
    private const int MostTimelines = 100;

    /// <summary>The page.</summary>
    /// <param name="report">The comparison.</param>
    /// <param name="pairs">What it compared.</param>
    /// <param name="pipeline">The definition's name.</param>
    /// <param name="windowsPerSecond">Windows scored a second of sound.</param>
    /// <param name="models">The models, in words.</param>
    public static string Page(
        EventReport report, RecordingPairs pairs, string pipeline, double windowsPerSecond, IReadOnlyList<string> models)
    {
        static string N(double value, string format = "0.000") => HtmlPage.Number(value, format);
        var page = new HtmlPage($"Events of {Path.GetFileName(pipeline)}");
        foreach (var model in models)
            page.Paragraph(model);
        var all = report.Collars[0].Both.Overall;
        page.Paragraph($"{pairs.Truth.Files.Count} recordings, {N(report.Hours * 60, "0.0")} min; {all.Reference} events are there, "
            + $"{all.Estimated} were reported. {N(100 * report.Heard, "0.0")} % of what is there was heard at all; "
            + $"{N(report.FalseEventsPerHour, "0.0")} events an hour are false; {N(windowsPerSecond, "0.00")} windows a second of sound.");
        page.Table([
            ["collar", "F1", "precision", "recall", "error rate", "macro F1", "F1, onsets alone"],
            .. report.Collars.Select(c => (string[])[
                $"{N(c.Both.Collar, "0.###")} s", N(c.Both.Overall.F1), N(c.Both.Overall.Precision), N(c.Both.Overall.Recall),
                N(c.Both.Overall.ErrorRate, "0.00"), N(c.Both.MacroF1), N(c.Onsets.Overall.F1)]),
        ]);
        string[] Times(string name, IReadOnlyList<double> values) => values.Count == 0 ? [name, "", ""] :
        [
            name, $"{N(Bootstrap.At(values, 0.5), "0.00")} s",
            $"{N(Bootstrap.At(values, 0.25), "0.00")} s, {N(Bootstrap.At(values, 0.75), "0.00")} s",
        ];
        page.Table([
            ["", "median", "quartiles"], Times("onset error", report.OnsetErrors), Times("offset error", report.OffsetErrors),
            Times("opened after", report.OpenedAfter),
        ]);
        page.Figures(Plots(report));
        page.Heading("By label");
        var (middle, _) = report.Collars[report.Collars.Count / 2];
        page.Table([
            ["label", "there", "reported", $"hits within {N(middle.Collar, "0.###")} s", "F1", "F1 of seconds"],
            .. middle.ByLabel.OrderBy(l => l.Key, StringComparer.Ordinal).Select(l => (string[])[
                l.Key, $"{l.Value.Reference}", $"{l.Value.Estimated}", $"{l.Value.Hits}", N(l.Value.F1),
                N(report.Segments.ByLabel.GetValueOrDefault(l.Key).F1)]),
        ]);
        page.Heading("Recording by recording");
        page.Paragraph("Above what is there, below what was reported: green where an event of the label overlaps, orange where none does.");
        string[] files = [.. pairs.Truth.Files.Order(StringComparer.Ordinal)];
        if (files.Length > MostTimelines)
            page.Paragraph($"The first {MostTimelines} of {files.Length}.");
        page.Figures(files.Take(MostTimelines).Select(f => (f, Timeline(f, pairs))));
        return page.ToString();
    }

    private static IEnumerable<(string, string)> Plots(EventReport report)
    {
        if (report is { Psds1: { } first, Psds2: { } second })
        {
            var points = report.Points.Reverse().Select(p => (p.FalseEventsPerHour, p.Heard));
            var far = SvgPlot.RoundUp(Math.Max(20, 3 * report.FalseEventsPerHour));
            yield return ("What is heard, by what is false", SvgPlot.Lines(
                "false events an hour", "share that is heard", far, 1, ("one threshold for all labels", points, false),
                ("this pipeline", [(report.FalseEventsPerHour, 0), (report.FalseEventsPerHour, report.Heard)], false)));
            yield return ("F1 by threshold", SvgPlot.Lines(
                "threshold", "F1", 1, 1, ("", report.Points.Select(p => (p.Threshold, p.F1)), false)));
            yield return ($"PSDS: {HtmlPage.Number(first.Score)} and {HtmlPage.Number(second.Score)}", SvgPlot.Lines(
                "effective false events an hour", "effective share that is found", PsdsOptions.Scenario1.MostFalsePerHour, 1,
                ("scenario 1", first.Curve, true), ("scenario 2", second.Curve, true)));
        }

        if (report.OnsetErrors.Count > 0)
            yield return ("Onsets: reported less real", SvgPlot.Histogram(
                "seconds; the outer bars have what lies beyond", -1, 1, 20, report.OnsetErrors));
    }

    private static string Timeline(string file, RecordingPairs pairs)
    {
        TimedLabel[] there = [.. pairs.Truth.Events.Where(e => e.File == file)];
        TimedLabel[] told = [.. pairs.Reported.Where(e => e.File == file)];
        IEnumerable<(double, double, int, string)> Bars(TimedLabel[] ones, TimedLabel[] others) => ones.Select(e => (
            e.Onset, e.Offset, others.Any(e.Overlaps) ? 2 : 1,
            $"{e.Label}, {HtmlPage.Number(e.Onset, "0.00")} to {HtmlPage.Number(e.Offset, "0.00")} s"));
        var seconds = there.Concat(told).Select(e => e.Offset).DefaultIfEmpty(1).Max();
        return SvgPlot.Timeline(seconds, ("there", Bars(there, told)), ("reported", Bars(told, there)));
    }
}
