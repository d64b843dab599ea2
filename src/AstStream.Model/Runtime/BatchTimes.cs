namespace AstStream.Model.Runtime;

/// <summary>What batches of each size cost on a device that pads them, as it was measured, and what follows from that.</summary>
internal sealed class BatchTimes
{
    private const double Enough = 0.97; // of the best windows a second: a larger batch would only come later
    private const double Alike = 0.95; // a size that takes this share of the next one's time is not worth a graph of its own
    private const double Less = 1 - 1e-9; // of two that cost the same the larger size goes first

    private readonly SortedDictionary<int, double> _seconds = [];

    /// <summary>Adds the time of a run of one size, in seconds; of several the least counts.</summary>
    public void Add(int size, double seconds) =>
        _seconds[size] = Math.Min(seconds, _seconds.GetValueOrDefault(size, double.PositiveInfinity));

    /// <summary>The most windows a second over all sizes; 0 where nothing was measured.</summary>
    public double WindowsPerSecond => _seconds.Select(s => s.Key / s.Value).DefaultIfEmpty(0).Max();

    /// <summary>
    /// The sizes to use, ascending: the largest is the smallest that nearly reaches the best windows a second; of the others those that
    /// take clearly less time than the next one.
    /// </summary>
    public IReadOnlyList<int> Liked()
    {
        var best = WindowsPerSecond;
        var largest = _seconds.First(s => s.Key / s.Value >= Enough * best).Key;
        var sizes = new Stack<int>([largest]);
        foreach (var (size, seconds) in _seconds.Where(s => s.Key < largest).Reverse())
        {
            if (seconds < Alike * _seconds[sizes.Peek()])
                sizes.Push(size);
        }

        return [.. sizes];
    }

    /// <summary>
    /// By the rows at hand, from 0 to the largest size: how many of them to run at once. All, padded to the next size, unless two runs are
    /// cheaper: then as many as the first of them takes, and the rest waits for the next batch.
    /// </summary>
    /// <param name="sizes">The sizes that are run, all measured.</param>
    public int[] RowsToRun(IReadOnlyList<int> sizes)
    {
        var largest = sizes.Max();
        var costs = new double[largest + 1];
        var first = new int[largest + 1];
        for (var rows = 1; rows <= largest; rows++)
        {
            costs[rows] = double.PositiveInfinity;
            var padded = sizes.Where(s => s >= rows).Min();
            foreach (var size in sizes.Where(s => s <= padded).OrderDescending())
            {
                if (_seconds[size] + costs[Math.Max(0, rows - size)] is var cost && cost < costs[rows] * Less)
                    (costs[rows], first[rows]) = (cost, Math.Min(rows, size));
            }
        }

        return first;
    }
}
