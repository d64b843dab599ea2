namespace AstStream.Learning.Statistics;

/// <summary>
/// How well scores rank what is there before what is not. The definitions are scikit-learn's; equal scores count together.
/// </summary>
public static class Ranking
{
    /// <summary>
    /// Average precision: the sum over distinct scores, from the greatest down, of precision times the gain in recall
    /// (scikit-learn's average_precision_score).
    /// </summary>
    /// <param name="scores">A score each.</param>
    /// <param name="isTrue">Whether it is there.</param>
    /// <returns>0 to 1; not a number where nothing is there.</returns>
    public static double AveragePrecision(ReadOnlySpan<double> scores, ReadOnlySpan<bool> isTrue)
    {
        var order = Descending(scores);
        var (positives, taken, sum) = (Count(isTrue), 0, 0.0);
        for (int i = 0, hits = 0; i < order.Length;)
        {
            var before = hits;
            for (var score = scores[order[i]]; i < order.Length && scores[order[i]].Equals(score); i++, taken++)
                hits += isTrue[order[i]] ? 1 : 0;
            sum += (double)hits / taken * (hits - before);
        }

        return sum / positives;
    }

    /// <summary>
    /// The area under the ROC curve: how often a score of what is there is above one of what is not; equal ones count half.
    /// </summary>
    /// <param name="scores">A score each.</param>
    /// <param name="isTrue">Whether it is there.</param>
    /// <returns>0 to 1; not a number where all or none are there.</returns>
    public static double RocAuc(ReadOnlySpan<double> scores, ReadOnlySpan<bool> isTrue)
    {
        var order = Descending(scores);
        var (positives, negatives) = ((double)Count(isTrue), 0.0);
        var wrong = 0.0; // pairs in which what is not there is above, half where it is level
        for (var i = 0; i < order.Length;)
        {
            var (level, levelTrue) = (0, 0);
            for (var score = scores[order[i]]; i < order.Length && scores[order[i]].Equals(score); i++, level++)
                levelTrue += isTrue[order[i]] ? 1 : 0;
            wrong += levelTrue * (negatives + ((level - levelTrue) / 2.0));
            negatives += level - levelTrue;
        }

        return 1 - (wrong / (positives * negatives));
    }

    /// <summary>d′ of an area under the ROC curve: √2 times the normal distribution's quantile of it.</summary>
    /// <returns>Infinite at 0 and 1.</returns>
    public static double DPrime(double auc) => Math.Sqrt(2) * Normal.Quantile(auc);

    /// <summary>The indices of scores, the greatest first; what is no number comes last.</summary>
    internal static int[] Descending(ReadOnlySpan<double> scores)
    {
        var order = new int[scores.Length];
        var keys = new double[scores.Length];
        for (var i = 0; i < order.Length; i++)
            (order[i], keys[i]) = (i, double.IsNaN(scores[i]) ? double.PositiveInfinity : -scores[i]);
        Array.Sort(keys, order);
        return order;
    }

    /// <summary>How many are there.</summary>
    internal static int Count(ReadOnlySpan<bool> isTrue)
    {
        var count = 0;
        foreach (var value in isTrue)
            count += value ? 1 : 0;
        return count;
    }
}
