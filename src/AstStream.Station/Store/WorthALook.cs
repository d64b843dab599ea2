namespace AstStream.Station.Store;

/// <summary>Which events a person should judge first, so that a model learns most from it.</summary>
public static class WorthALook
{
    private const double Surest = 1e-6; // a score that is nearer to 0 or 1 counts as this

    /// <summary>
    /// Labels take turns, those with the fewest reviews first; of each the events come first whose score is nearest to its threshold, in
    /// logits: about these the model is least sure.
    /// </summary>
    /// <param name="events">Events that nobody has reviewed.</param>
    /// <param name="reviewed">How many reviews a label has.</param>
    /// <param name="thresholdOf">The score that opens an event, by model and label.</param>
    /// <param name="most">The most events.</param>
    public static IReadOnlyList<StoredEvent> Of(
        IEnumerable<StoredEvent> events, Func<string, int> reviewed, Func<string, string, double> thresholdOf, int most)
    {
        var turns = events.GroupBy(e => e.Event.Label, StringComparer.Ordinal)
            .OrderBy(g => reviewed(g.Key)).ThenBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => g.OrderBy(e => Math.Abs(Logit(e.Event.Score) - Logit(thresholdOf(e.Event.Model, e.Event.Label))))
                .ThenByDescending(e => e.Time).Take(most).ToList()).ToList();
        return [.. Enumerable.Range(0, turns.Count == 0 ? 0 : turns.Max(t => t.Count))
            .SelectMany(i => turns.Where(t => i < t.Count).Select(t => t[i])).Take(most)];
    }

    private static double Logit(double score)
    {
        var p = Math.Clamp(score, Surest, 1 - Surest);
        return Math.Log(p / (1 - p));
    }
}
