namespace AstStream.Station.Store;

/// <summary>The events of one stream and label that a shadow would have reported, to be found by time.</summary>
internal sealed class ShadowTimeline
{
    private readonly List<ShadowEvent> _events; // by their beginning
    private readonly List<DateTimeOffset> _times;
    private readonly TimeSpan _longest;

    /// <summary>Takes them, in any order.</summary>
    public ShadowTimeline(IEnumerable<ShadowEvent> events)
    {
        _events = [.. events.OrderBy(e => e.Time)];
        _times = [.. _events.Select(e => e.Time)];
        _longest = _events.Max(e => e.End - e.Time);
    }

    /// <summary>Those that sound between two times.</summary>
    public IEnumerable<ShadowEvent> Within(DateTimeOffset from, DateTimeOffset to)
    {
        var first = _times.BinarySearch(from - _longest - TimeSpan.FromTicks(1)); // before the first that may last into it
        for (var i = Math.Max(first, ~first); i < _events.Count && _events[i].Time < to; i++)
        {
            if (_events[i].End > from)
                yield return _events[i];
        }
    }
}
