namespace AstStream.Station.Clips;

/// <summary>Intervals of samples, ends exclusive; those that touch are one. For one thread at a time.</summary>
internal sealed class IntervalSet
{
    private readonly List<(long Start, long End)> _intervals = []; // in order, apart from each other

    /// <summary>Adds one.</summary>
    public void Add(long start, long end)
    {
        if (end <= start)
            return;
        var first = _intervals.FindIndex(i => i.End >= start);
        if (first < 0)
        {
            _intervals.Add((start, end));
            return;
        }

        var last = first;
        for (; last < _intervals.Count && _intervals[last].Start <= end; last++)
            (start, end) = (Math.Min(start, _intervals[last].Start), Math.Max(end, _intervals[last].End));
        _intervals.RemoveRange(first, last - first);
        _intervals.Insert(first, (start, end));
    }

    /// <summary>Forgets those that end before a sample.</summary>
    public void Trim(long before) => _intervals.RemoveAll(i => i.End < before);

    /// <summary>The parts of an interval that are in the set, or those that are not.</summary>
    public IEnumerable<(long Start, long End)> Parts(long start, long end, bool inside)
    {
        var at = start;
        foreach (var (s, e) in _intervals)
        {
            var (first, last) = (Math.Max(s, start), Math.Min(e, end));
            if (last <= first)
                continue;
            if (inside)
                yield return (first, last);
            else if (first > at)
                yield return (at, first);
            at = last;
        }

        if (!inside && at < end)
            yield return (at, end);
    }
}
