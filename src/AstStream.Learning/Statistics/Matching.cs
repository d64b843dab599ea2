namespace AstStream.Learning.Statistics;

/// <summary>The largest matching of two sides: as many pairs as there can be, nobody in two of them.</summary>
internal static class Matching
{
    /// <summary>The partner of each on the left, or -1; augmenting paths, from the first on.</summary>
    /// <param name="right">How many are on the right.</param>
    /// <param name="fits">Whom on the right each of the left may have.</param>
    public static int[] Largest(int right, IReadOnlyList<IReadOnlyList<int>> fits)
    {
        var ofLeft = new int[fits.Count];
        var ofRight = new int[right];
        Array.Fill(ofLeft, -1);
        Array.Fill(ofRight, -1);
        for (var left = 0; left < fits.Count; left++)
            Augment(left, fits, ofLeft, ofRight);
        return ofLeft;
    }

    /// <summary>Finds a way from an unmatched one over partners that can change to a free one: in breadth, as it may be long.</summary>
    private static void Augment(int start, IReadOnlyList<IReadOnlyList<int>> fits, int[] ofLeft, int[] ofRight)
    {
        var cameFrom = new Dictionary<int, int>(); // who on the left has reached one on the right
        var queue = new Queue<int>([start]);
        while (queue.TryDequeue(out var left))
        {
            foreach (var right in fits[left])
            {
                if (!cameFrom.TryAdd(right, left))
                    continue;
                if (ofRight[right] >= 0)
                {
                    queue.Enqueue(ofRight[right]);
                    continue;
                }

                for (var at = right; ;)
                {
                    var from = cameFrom[at];
                    (ofRight[at], at, ofLeft[from]) = (from, ofLeft[from], at);
                    if (from == start)
                        return;
                }
            }
        }
    }
}
