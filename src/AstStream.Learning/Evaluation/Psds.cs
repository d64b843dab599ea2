namespace AstStream.Learning.Evaluation;

/// <summary>
/// The polyphonic sound detection score (Bilen, Ferroni, Tuveri, Azcarreta, Krstulović, "A framework for the robust evaluation of sound
/// event detection", ICASSP 2020): events are found by what they overlap, whatever their edges, and a system is its whole curve over
/// thresholds.
/// </summary>
public sealed class Psds
{
    private Psds(double score, IReadOnlyList<(double FalsePerHour, double Rate)> curve) => (Score, Curve) = (score, curve);

    /// <summary>The area under the curve by that of a perfect one, 0 to 1.</summary>
    public double Score { get; }

    /// <summary>
    /// The effective rate of found events by effective false events an hour: steps, each from its place to the next one's; the first is
    /// at 0.
    /// </summary>
    public IReadOnlyList<(double FalsePerHour, double Rate)> Curve { get; }

    /// <summary>Scores what was reported at several thresholds.</summary>
    /// <param name="reference">What is there.</param>
    /// <param name="points">What was reported, at each threshold.</param>
    /// <param name="hours">Hours of sound.</param>
    /// <param name="options">What counts as found.</param>
    public static Psds Make(
        IReadOnlyList<TimedLabel> reference, IReadOnlyList<IReadOnlyList<TimedLabel>> points, double hours, PsdsOptions options)
    {
        string[] labels = [.. reference.Select(e => e.Label).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        var there = reference.ToLookup(e => e.Label, StringComparer.Ordinal);
        var curves = labels.ToDictionary(l => l, _ => new List<(double False, double Rate)>(), StringComparer.Ordinal);
        foreach (var point in points)
        {
            var reported = point.ToLookup(e => e.Label, StringComparer.Ordinal);
            foreach (var label in labels)
                curves[label].Add(Rates(label, there, reported[label], labels, hours, options));
        }

        // Each label's best rate at no more false events, and their mean less what unevenness costs.
        var steps = curves.ToDictionary(c => c.Key, c => Rising(c.Value), StringComparer.Ordinal);
        double[] places = [.. steps.Values.SelectMany(s => s.Select(p => p.False)).Append(0).Where(f => f < options.MostFalsePerHour)
            .Distinct().Order()];
        var curve = new List<(double, double)>();
        double area = 0;
        for (var i = 0; i < places.Length; i++)
        {
            double[] rates = [.. steps.Values.Select(s => At(s, places[i]))];
            var mean = rates.Average();
            var deviation = Math.Sqrt(rates.Average(r => (r - mean) * (r - mean)));
            var rate = Math.Max(0, mean - (options.UnevenCost * deviation));
            curve.Add((places[i], rate));
            area += rate * ((i + 1 < places.Length ? places[i + 1] : options.MostFalsePerHour) - places[i]);
        }

        return new Psds(area / options.MostFalsePerHour, curve);
    }

    private static (double False, double Rate) Rates(
        string label, ILookup<string, TimedLabel> there, IEnumerable<TimedLabel> reported, string[] labels, double hours,
        PsdsOptions options)
    {
        var ours = there[label].ToLookup(e => e.File, StringComparer.Ordinal);
        var good = new List<TimedLabel>();
        var wrong = new List<TimedLabel>();
        foreach (var e in reported)
            (Overlap(e, ours[e.File]) >= options.Detection * Length(e) ? good : wrong).Add(e);
        var found = good.ToLookup(e => e.File, StringComparer.Ordinal);
        var rate = there[label].Count(t => Overlap(t, found[t.File]) is > 0 and var o && o >= options.GroundTruth * Length(t))
            / (double)there[label].Count();
        var cost = 0.0;
        if (options.CrossTriggerCost > 0 && labels.Length > 1)
        {
            // Cross-triggers by the hours of the label that caused them, the mean over the others that last at all.
            string[] others = [.. labels.Where(l => l != label && there[l].Sum(Length) > 0)];
            foreach (var other in others)
            {
                var theirs = there[other].ToLookup(e => e.File, StringComparer.Ordinal);
                var triggers = wrong.Count(e => Overlap(e, theirs[e.File]) >= options.CrossTrigger * Length(e));
                cost += triggers / (there[other].Sum(Length) / 3600) / others.Length;
            }
        }

        return ((wrong.Count / hours) + (options.CrossTriggerCost * cost), rate);
    }

    private static double Length(TimedLabel e) => e.Offset - e.Onset;

    /// <summary>The seconds of one that others have, together.</summary>
    private static double Overlap(TimedLabel one, IEnumerable<TimedLabel> others) =>
        others.Sum(o => Math.Max(0, Math.Min(one.Offset, o.Offset) - Math.Max(one.Onset, o.Onset)));

    private static List<(double False, double Rate)> Rising(List<(double False, double Rate)> points)
    {
        var steps = new List<(double False, double Rate)>();
        foreach (var (place, rate) in points.OrderBy(p => p.False).ThenByDescending(p => p.Rate))
        {
            if (steps.Count == 0 || rate > steps[^1].Rate)
                steps.Add((place, rate));
        }

        return steps;
    }

    private static double At(List<(double False, double Rate)> steps, double place) =>
        steps.Where(s => s.False <= place).Select(s => s.Rate).LastOrDefault();
}
