using AstStream.Events;

namespace AstStream.Station.Store;

/// <summary>
/// Where a model and the one in its shadow differ, in the time that both heard. Two events are the same where they have the same stream and
/// label, and overlap or are less than a second apart.
/// </summary>
/// <param name="Times">When both heard something.</param>
/// <param name="Labels">How often each label was reported by both, or by one alone; the ones that differ most first.</param>
/// <param name="ModelAlone">Events that the model alone had, the latest first.</param>
/// <param name="ShadowAlone">Events that the other alone would have reported, the latest first.</param>
/// <param name="Right">Events that people found right.</param>
/// <param name="RightKept">Those of them that the other has, too.</param>
/// <param name="Wrong">Events that people found wrong, or another label.</param>
/// <param name="WrongKept">Those of them that the other would repeat.</param>
/// <param name="Renamed">Those of them that the other calls what people called them.</param>
public sealed record ShadowComparison(
    IReadOnlyList<(DateTimeOffset Began, DateTimeOffset Ended)> Times, IReadOnlyList<LabelComparison> Labels,
    IReadOnlyList<StoredEvent> ModelAlone, IReadOnlyList<ShadowEvent> ShadowAlone, int Right, int RightKept, int Wrong, int WrongKept,
    int Renamed)
{
    private static readonly TimeSpan s_apart = TimeSpan.FromSeconds(1);

    /// <summary>Compares.</summary>
    /// <param name="events">The model's closed events.</param>
    /// <param name="shadows">The other one's.</param>
    /// <param name="times">When both heard something.</param>
    public static ShadowComparison Of(
        IReadOnlyList<StoredEvent> events, IReadOnlyList<ShadowEvent> shadows,
        IReadOnlyList<(DateTimeOffset Began, DateTimeOffset Ended)> times)
    {
        var byName = shadows.GroupBy(s => (s.Stream, s.Label)).ToDictionary(g => g.Key, g => new ShadowTimeline(g));
        var same = new HashSet<ShadowEvent>(ReferenceEqualityComparer.Instance);
        var alone = new List<StoredEvent>();
        var both = new Dictionary<string, int>(StringComparer.Ordinal);
        var (right, rightKept, wrong, wrongKept, renamed) = (0, 0, 0, 0, 0);
        foreach (var e in events)
        {
            var found = Same(byName, e, e.Event.Label).ToList();
            same.UnionWith(found);
            if (found.Count == 0)
                alone.Add(e);
            else
                both[e.Event.Label] = both.GetValueOrDefault(e.Event.Label) + 1;
            switch (e.Review?.Verdict)
            {
                case ReviewVerdict.Right:
                    (right, rightKept) = (right + 1, rightKept + (found.Count > 0 ? 1 : 0));
                    break;
                case ReviewVerdict.Wrong or ReviewVerdict.OtherLabel:
                    (wrong, wrongKept) = (wrong + 1, wrongKept + (found.Count > 0 ? 1 : 0));
                    renamed += e.Review.Label is { } label && Same(byName, e, label).Any() ? 1 : 0;
                    break;
                default:
                    break;
            }
        }

        List<ShadowEvent> others = [.. shadows.Where(s => !same.Contains(s)).OrderByDescending(s => s.Time)];
        var (ofModel, ofShadow) = (alone.CountBy(e => e.Event.Label).ToDictionary(), others.CountBy(s => s.Label).ToDictionary());
        var labels = both.Keys.Union(ofModel.Keys).Union(ofShadow.Keys).Select(l => new LabelComparison(
            l, both.GetValueOrDefault(l), ofModel.GetValueOrDefault(l), ofShadow.GetValueOrDefault(l)));
        return new ShadowComparison(
            times, [.. labels.OrderByDescending(l => l.ModelAlone + l.ShadowAlone).ThenBy(l => l.Label, StringComparer.Ordinal)],
            [.. alone.OrderByDescending(e => e.Time)], others, right, rightKept, wrong, wrongKept, renamed);
    }

    /// <summary>What the other one called a label at the time of an event.</summary>
    private static IEnumerable<ShadowEvent> Same(
        Dictionary<(string Stream, string Label), ShadowTimeline> byName, StoredEvent e, string label) =>
        byName.GetValueOrDefault((e.Event.Stream.Id, label))?.Within(
            e.Time - s_apart, e.Time + TimeSpan.FromSeconds(e.Event.Offset - e.Event.Onset) + s_apart) ?? [];
}
