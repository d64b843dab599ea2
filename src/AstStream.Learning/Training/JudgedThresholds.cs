namespace AstStream.Learning.Training;

/// <summary>
/// Thresholds from events that people judged: those with the fewest mistakes. A right event that is lost is one, and a wrong one that is
/// reported. A label has few judged events, and so the mistakes of all labels at a threshold count besides.
/// </summary>
internal static class JudgedThresholds
{
    private const double Others = 0.3; // what a mistake counts besides those of the label
    private const int Steps = 100;

    /// <summary>A threshold for each label; of those that are as good the lowest, so that no right event is lost for nothing.</summary>
    /// <param name="judged">Of each label the judged events: their score, 0 to 1, and whether they were right.</param>
    /// <param name="least">The least threshold of each label, 0 to 1.</param>
    public static IReadOnlyList<double> Choose(
        IReadOnlyList<IReadOnlyList<(double Score, bool IsRight)>> judged, IReadOnlyList<double> least)
    {
        double Mistakes(int label, double threshold) => judged[label].Count(j => j.Score >= threshold != j.IsRight);
        double[] steps = [.. Enumerable.Range(1, Steps - 1).Select(i => i / (double)Steps)];
        double[] ofAll = [.. steps.Select(t => Enumerable.Range(0, judged.Count).Sum(l => Mistakes(l, Math.Max(t, least[l]))))];
        return [.. judged.Select((_, label) => Math.Max(least[label], steps.Zip(ofAll)
            .MinBy(s => Mistakes(label, Math.Max(s.First, least[label])) + (Others * s.Second)).First))];
    }
}
