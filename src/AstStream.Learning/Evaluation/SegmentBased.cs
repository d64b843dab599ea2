namespace AstStream.Learning.Evaluation;

/// <summary>
/// Segment-based measures as sed_eval defines them: time in segments of one length, a label active in each that one of its events touches.
/// </summary>
public sealed class SegmentBased
{
    private readonly Dictionary<string, Counts> _byLabel = new(StringComparer.Ordinal);

    /// <summary>Over all labels; substitutions are pairs of a missed and a wrong label of one segment.</summary>
    public Counts Overall { get; private set; }

    /// <summary>By label, without substitutions.</summary>
    public IReadOnlyDictionary<string, Counts> ByLabel => _byLabel;

    /// <summary>The mean F1 over the labels that are there or were reported.</summary>
    public double MacroF1 => _byLabel.Values.Select(c => c.F1).DefaultIfEmpty(double.NaN).Average();

    /// <summary>Compares what was reported with what is there.</summary>
    /// <param name="reference">What is there.</param>
    /// <param name="estimated">What was reported.</param>
    /// <param name="resolution">The length of a segment in seconds; 1 in DCASE.</param>
    public static SegmentBased Compare(IEnumerable<TimedLabel> reference, IEnumerable<TimedLabel> estimated, double resolution = 1)
    {
        var measure = new SegmentBased();
        var ours = Active(reference, resolution);
        var theirs = Active(estimated, resolution);
        foreach (var segment in ours.Keys.Union(theirs.Keys))
            measure.Add(ours.GetValueOrDefault(segment, []), theirs.GetValueOrDefault(segment, []));
        return measure;
    }

    private static Dictionary<(string, long), HashSet<string>> Active(IEnumerable<TimedLabel> events, double resolution)
    {
        var active = new Dictionary<(string, long), HashSet<string>>();
        foreach (var e in events)
        {
            for (var segment = (long)Math.Floor(e.Onset / resolution); segment < Math.Ceiling(e.Offset / resolution); segment++)
            {
                if (!active.TryGetValue((e.File, segment), out var labels))
                    active.Add((e.File, segment), labels = new HashSet<string>(StringComparer.Ordinal));
                labels.Add(e.Label);
            }
        }

        return active;
    }

    private void Add(HashSet<string> reference, HashSet<string> estimated)
    {
        var hits = reference.Count(estimated.Contains);
        Overall += new Counts(reference.Count, estimated.Count, hits, Math.Min(reference.Count, estimated.Count) - hits);
        foreach (var label in reference.Union(estimated))
        {
            var (isThere, wasReported) = (reference.Contains(label), estimated.Contains(label));
            _byLabel[label] = _byLabel.GetValueOrDefault(label) + new Counts(
                isThere ? 1 : 0, wasReported ? 1 : 0, isThere && wasReported ? 1 : 0, 0);
        }
    }
}
