namespace AstStream.Learning.Statistics;

/// <summary>Intervals by drawing again: what a figure could have been on other recordings of the same kind.</summary>
public static class Bootstrap
{
    /// <summary>
    /// The 95 % percentile interval of a statistic over items that belong together in groups, as clips of one recording do: groups are
    /// drawn with replacement, with all of their items.
    /// </summary>
    /// <param name="groups">The items' indices, group by group.</param>
    /// <param name="statistic">The statistic of some items, by their indices; an item may come more than once.</param>
    /// <param name="draws">How many draws; 1,000 by default.</param>
    /// <param name="seed">The same seed gives the same interval.</param>
    public static (double Low, double High) Interval(
        IReadOnlyList<IReadOnlyList<int>> groups, Func<IReadOnlyList<int>, double> statistic, int draws = 1000, int seed = 1)
    {
        var random = new Random(seed);
        var values = new List<double>(draws);
        var drawn = new List<int>();
        for (var draw = 0; draw < draws; draw++)
        {
            drawn.Clear();
            for (var i = 0; i < groups.Count; i++)
                drawn.AddRange(groups[random.Next(groups.Count)]);
            if (statistic(drawn) is var value && !double.IsNaN(value))
                values.Add(value);
        }

        if (values.Count == 0)
            return (double.NaN, double.NaN);
        values.Sort();
        return (At(values, 0.025), At(values, 0.975));
    }

    /// <summary>A quantile of sorted values, interpolated linearly as NumPy does.</summary>
    public static double At(IReadOnlyList<double> sorted, double share)
    {
        var at = share * (sorted.Count - 1);
        var low = (int)at;
        return low + 1 < sorted.Count ? sorted[low] + ((at - low) * (sorted[low + 1] - sorted[low])) : sorted[^1];
    }
}
