namespace AstStream.Station.Live;

/// <summary>The classes that score highest.</summary>
internal static class HighestScores
{
    /// <summary>Their indexes, the highest first.</summary>
    public static List<int> Of(ReadOnlySpan<float> scores, int most)
    {
        var top = new List<int>(most + 1);
        for (var i = 0; i < scores.Length; i++)
        {
            var at = 0;
            while (at < top.Count && scores[top[at]] >= scores[i])
                at++;
            if (at == most)
                continue;
            top.Insert(at, i);
            if (top.Count > most)
                top.RemoveAt(most);
        }

        return top;
    }
}
