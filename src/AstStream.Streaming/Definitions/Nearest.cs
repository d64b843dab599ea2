namespace AstStream.Streaming.Definitions;

/// <summary>Finds the name that was probably meant.</summary>
public static class Nearest
{
    /// <summary>"; did you mean X?" where a candidate is close enough, else the list of candidates.</summary>
    public static string Hint(string found, IReadOnlyCollection<string> candidates)
    {
        var best = candidates.MinBy(c => Distance(found.ToLowerInvariant(), c.ToLowerInvariant()));
        if (best is not null && Distance(found.ToLowerInvariant(), best.ToLowerInvariant()) <= Math.Max(2, best.Length / 3))
            return $"; did you mean '{best}'?";
        return candidates.Count is 0 or > 20 ? "" : $"; expected one of {string.Join(", ", candidates)}";
    }

    /// <summary>Edits (insert, delete, replace, swap of neighbours) from one word to another.</summary>
    private static int Distance(string a, string b)
    {
        var d = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
            d[i, 0] = i;
        for (var j = 0; j <= b.Length; j++)
            d[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                d[i, j] = Math.Min(Math.Min(d[i - 1, j], d[i, j - 1]) + 1, d[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    d[i, j] = Math.Min(d[i, j], d[i - 2, j - 2] + 1);
            }
        }

        return d[a.Length, b.Length];
    }
}
