using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using AstStream.Learning.Evaluation;
using AstStream.Learning.Statistics;
using AstStream.Streaming.Telemetry;

namespace AstStream.Worker.Commands;

/// <summary>Writes an <see cref="EventReport"/>.</summary>
internal static class EventTables
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping
    };

    /// <summary>As tables for people.</summary>
    public static string Text(EventReport report, double windowsPerSecond, int recordings, IReadOnlyList<string> models)
    {
        var text = new StringBuilder();
        void Line(FormattableString line) => text.AppendLine(line.ToString(CultureInfo.InvariantCulture));
        foreach (var model in models)
            Line($"{Printable.Text(model)}");
        var all = report.Collars[0].Both.Overall;
        Line($"{recordings} recordings, {report.Hours * 60:0.0} min; {all.Reference:0} events are there, {all.Estimated:0} were reported");
        Line($"\n| collar | F1 | precision | recall | error rate | macro F1 | F1, onsets alone |\n|---:|---:|---:|---:|---:|---:|---:|");
        foreach (var (both, onsets) in report.Collars)
        {
            Line($"| {both.Collar:0.###} s | {Cells(both.Overall)} | {both.MacroF1:0.000} | {onsets.Overall.F1:0.000} |");
        }

        Line($"| seconds | {Cells(report.Segments.Overall)} | {report.Segments.MacroF1:0.000} | |");
        Line($"\nheard at all      {report.Heard:P1}");
        Line($"onset error       {Quartiles(report.OnsetErrors)}");
        Line($"offset error      {Quartiles(report.OffsetErrors)}");
        Line($"opened after      {Quartiles(report.OpenedAfter)}");
        Line($"false events      {report.FalseEventsPerHour:0.0} an hour");
        Line($"windows scored    {windowsPerSecond:0.00} a second of sound");
        if (report is { Psds1: { } first, Psds2: { } second })
        {
            Line($"PSDS              {first.Score:0.000} (scenario 1), {second.Score:0.000} (scenario 2)");
            var within = report.Collars[report.Collars.Count / 2].Both.Collar;
            Line($"\n| one threshold for all | heard | false events an hour | F1 within {within:0.###} s |");
            Line($"|---|---:|---:|---:|");
            foreach (var (name, point) in Chosen(report))
                Line($"| {name}: {point.Threshold:0.00} | {point.Heard:P1} | {point.FalseEventsPerHour:0.0} | {point.F1:0.000} |");
        }

        var (middle, _) = report.Collars[report.Collars.Count / 2];
        Line($"\n| label | there | reported | hits within {middle.Collar:0.###} s | F1 | F1 of seconds |\n|---|---:|---:|---:|---:|---:|");
        foreach (var (label, c) in middle.ByLabel.OrderBy(l => l.Key, StringComparer.Ordinal))
        {
            var seconds = report.Segments.ByLabel.GetValueOrDefault(label);
            Line($"| {Printable.Text(label)} | {c.Reference} | {c.Estimated} | {c.Hits} | {c.F1:0.000} | {seconds.F1:0.000} |");
        }
        return text.ToString().TrimEnd('\n');
    }

    /// <summary>As one JSON object; what is no number there is null.</summary>
    public static string Json(EventReport report, double windowsPerSecond) => JsonSerializer.Serialize(
        new
        {
            hours = report.Hours,
            events = report.Collars.Select(c => new
            {
                t_collar = c.Both.Collar,
                percentage_of_length = c.Both.LengthShare,
                overall = Values(c.Both.Overall),
                macro_f1 = Finite(c.Both.MacroF1),
                onset_only = Values(c.Onsets.Overall),
                by_label = Values(c.Both.ByLabel),
            }),
            segments = new
            {
                time_resolution = 1,
                overall = Values(report.Segments.Overall),
                macro_f1 = Finite(report.Segments.MacroF1),
                by_label = Values(report.Segments.ByLabel),
            },
            heard = Finite(report.Heard),
            onset_error = Summary(report.OnsetErrors),
            offset_error = Summary(report.OffsetErrors),
            opened_after = Summary(report.OpenedAfter),
            false_events_per_hour = Finite(report.FalseEventsPerHour),
            windows_per_second = Finite(windowsPerSecond),
            psds1 = report.Psds1?.Score,
            psds2 = report.Psds2?.Score,
            thresholds = report.Points.Select(p => new
            {
                threshold = p.Threshold,
                heard = Finite(p.Heard),
                false_events_per_hour = Finite(p.FalseEventsPerHour),
                f1 = Finite(p.F1),
            }),
        },
        s_json);

    /// <summary>Thresholds that say most: where shares are heard, and where F1 is highest.</summary>
    private static IEnumerable<(string Name, OperatingPoint Point)> Chosen(EventReport report)
    {
        foreach (var heard in (double[])[0.9, 0.8, 0.7, 0.6, 0.5])
        {
            if (report.At(heard) is { } point)
                yield return (string.Create(CultureInfo.InvariantCulture, $"hears {heard:P0}"), point);
        }

        yield return ("highest F1", report.Points.MaxBy(p => p.F1)!);
    }

    private static string Cells(Counts c) => string.Create(
        CultureInfo.InvariantCulture, $"{c.F1:0.000} | {c.Precision:0.000} | {c.Recall:0.000} | {c.ErrorRate:0.00}");

    private static Dictionary<string, object> Values(IReadOnlyDictionary<string, Counts> byLabel) =>
        byLabel.OrderBy(l => l.Key, StringComparer.Ordinal).ToDictionary(l => l.Key, l => Values(l.Value));

    private static object Values(Counts c) => new
    {
        n_ref = c.Reference,
        n_sys = c.Estimated,
        hits = c.Hits,
        substitutions = c.Substitutions,
        deletions = c.Deletions,
        insertions = c.Insertions,
        precision = Finite(c.Precision),
        recall = Finite(c.Recall),
        f1 = Finite(c.F1),
        error_rate = Finite(c.ErrorRate),
    };

    private static object? Summary(IReadOnlyList<double> errors) => errors.Count == 0 ? null : new
    {
        median = Bootstrap.At(errors, 0.5),
        lower_quartile = Bootstrap.At(errors, 0.25),
        upper_quartile = Bootstrap.At(errors, 0.75),
    };

    /// <summary>A number for JSON, which has no infinite ones and none that is no number.</summary>
    internal static double? Finite(double value) => double.IsFinite(value) ? value : null;

    private static string Quartiles(IReadOnlyList<double> errors) => errors.Count == 0 ? "nothing was heard" : string.Create(
        CultureInfo.InvariantCulture,
        $"{Bootstrap.At(errors, 0.5):+0.00;-0.00} s "
            + $"(quartiles {Bootstrap.At(errors, 0.25):+0.00;-0.00}, {Bootstrap.At(errors, 0.75):+0.00;-0.00})");
}
