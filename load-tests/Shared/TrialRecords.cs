namespace AstStream.LoadTest;

/// <summary>What readers of a trial's events have seen, stream by stream.</summary>
internal static class TrialRecords
{
    /// <summary>How two readings differ, stream by stream; empty where they are equal.</summary>
    /// <param name="expected">What a reader should see.</param>
    /// <param name="found">What one sees.</param>
    /// <param name="mayRepeat">Whether records may come again.</param>
    public static IEnumerable<string> Differences(
        SortedDictionary<string, List<string>> expected, SortedDictionary<string, List<string>> found, bool mayRepeat = false)
    {
        foreach (var stream in expected.Keys.Union(found.Keys))
        {
            var (calm, live) = (expected.GetValueOrDefault(stream, []), found.GetValueOrDefault(stream, []));
            foreach (var lost in calm.Except(live))
                yield return $"{stream} lost: {lost}";
            foreach (var more in live.Except(calm))
                yield return $"{stream} has besides: {more}";
            if (mayRepeat)
                continue;
            foreach (var twice in live.GroupBy(x => x).Where(g => g.Count() > 1))
                yield return $"{stream} has {twice.Count()} times: {twice.Key}";
            if (live.Count == calm.Count && !live.SequenceEqual(calm))
                yield return $"{stream} is in another order";
        }
    }
}
