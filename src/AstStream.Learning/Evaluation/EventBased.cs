using AstStream.Learning.Statistics;

namespace AstStream.Learning.Evaluation;

/// <summary>
/// Event-based measures as sed_eval defines them (Mesaros, Heittola, Virtanen, "Metrics for polyphonic sound event detection", 2016): an
/// event is hit where one of the same label begins, and ends, near enough; as many pairs as there can be, nobody in two of them.
/// </summary>
public sealed class EventBased
{
    private readonly Dictionary<string, Counts> _byLabel = new(StringComparer.Ordinal);
    private readonly List<(TimedLabel Reference, TimedLabel Estimated)> _hits = [];

    private EventBased(double collar, double lengthShare, bool checksOffset) =>
        (Collar, LengthShare, ChecksOffset) = (collar, lengthShare, checksOffset);

    /// <summary>How far an onset may be off, in seconds (t_collar).</summary>
    public double Collar { get; }

    /// <summary>How far an offset may be off where that is more: a share of the event's length (percentage_of_length).</summary>
    public double LengthShare { get; }

    /// <summary>Whether offsets count.</summary>
    public bool ChecksOffset { get; }

    /// <summary>Over all labels, with substitutions.</summary>
    public Counts Overall { get; private set; }

    /// <summary>By label, without substitutions.</summary>
    public IReadOnlyDictionary<string, Counts> ByLabel => _byLabel;

    /// <summary>The mean F1 over the labels that are there or were reported.</summary>
    public double MacroF1 => _byLabel.Values.Select(c => c.F1).DefaultIfEmpty(double.NaN).Average();

    /// <summary>The pairs that count as hits.</summary>
    public IReadOnlyList<(TimedLabel Reference, TimedLabel Estimated)> Hits => _hits;

    /// <summary>Compares what was reported with what is there.</summary>
    /// <param name="reference">What is there.</param>
    /// <param name="estimated">What was reported.</param>
    /// <param name="collar">How far an onset may be off, in seconds; 0.2 in DCASE.</param>
    /// <param name="lengthShare">How far an offset may be off where that is more: a share of the event's length; 0.5 in sed_eval, 0.2 in
    /// DCASE.</param>
    /// <param name="checksOffset">Whether offsets count.</param>
    public static EventBased Compare(
        IEnumerable<TimedLabel> reference, IEnumerable<TimedLabel> estimated, double collar, double lengthShare = 0.5,
        bool checksOffset = true)
    {
        var measure = new EventBased(collar, lengthShare, checksOffset);
        var theirs = estimated.ToLookup(e => e.File, StringComparer.Ordinal);
        var ours = reference.ToLookup(e => e.File, StringComparer.Ordinal);
        foreach (var file in ours.Select(f => f.Key).Union(theirs.Select(f => f.Key), StringComparer.Ordinal))
            measure.Add([.. ours[file].OrderBy(e => e.Onset)], [.. theirs[file].OrderBy(e => e.Onset)]);
        return measure;
    }

    private void Add(TimedLabel[] reference, TimedLabel[] estimated)
    {
        var hits = Match(reference, estimated, (r, e) => r.Label == e.Label && IsNear(r, e));
        var matched = hits.Where(e => e >= 0).ToHashSet();
        foreach (var (i, e) in hits.Index().Where(h => h.Item >= 0))
            _hits.Add((reference[i], estimated[e]));
        TimedLabel[] missed = [.. reference.Where((_, i) => hits[i] < 0)];
        TimedLabel[] wrong = [.. estimated.Where((_, i) => !matched.Contains(i))];
        var substitutions = Match(missed, wrong, (r, e) => r.Label != e.Label && IsNear(r, e)).Count(e => e >= 0);
        Overall += new Counts(reference.Length, estimated.Length, matched.Count, substitutions);
        foreach (var label in reference.Concat(estimated).Select(e => e.Label).Distinct(StringComparer.Ordinal))
            _byLabel[label] = _byLabel.GetValueOrDefault(label) + new Counts(
                reference.Count(e => e.Label == label), estimated.Count(e => e.Label == label),
                hits.Index().Count(h => h.Item >= 0 && reference[h.Index].Label == label), 0);
    }

    private static int[] Match(TimedLabel[] reference, TimedLabel[] estimated, Func<TimedLabel, TimedLabel, bool> fits) =>
        Matching.Largest(estimated.Length, [.. reference.Select(r => (IReadOnlyList<int>)
            [.. estimated.Index().Where(e => fits(r, e.Item)).Select(e => e.Index)])]);

    private bool IsNear(TimedLabel reference, TimedLabel estimated) => Math.Abs(reference.Onset - estimated.Onset) <= Collar
        && (!ChecksOffset || Math.Abs(reference.Offset - estimated.Offset)
            <= Math.Max(Collar, LengthShare * (reference.Offset - reference.Onset)));
}
