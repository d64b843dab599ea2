namespace AstStream.Station.Notify;

/// <summary>How many single notifications of one rule a target got lately, and whether more are held for a digest.</summary>
/// <param name="most">The most within the time.</param>
/// <param name="within">The time.</param>
internal sealed class Burst(int most, TimeSpan within)
{
    private readonly Queue<DateTimeOffset> _single = new();
    private DateTimeOffset? _heldSince;

    /// <summary>Whether what comes now is held: too many came, or some are held already.</summary>
    public bool Holds(DateTimeOffset now)
    {
        if (_heldSince is not null)
            return true;
        while (_single.TryPeek(out var first) && (first <= now - within || first > now))
            _single.Dequeue(); // that of a clock that was set back, too
        if (_single.Count >= most)
        {
            _heldSince = now;
            return true;
        }

        _single.Enqueue(now);
        return false;
    }

    /// <summary>Whether it is time for the digest.</summary>
    public bool IsDue(DateTimeOffset now) => _heldSince is { } since && (now >= since + within || now < since);

    /// <summary>Whether any is held.</summary>
    public bool HasHeld => _heldSince is not null;

    /// <summary>The digest was made.</summary>
    /// <param name="now">When.</param>
    /// <param name="hasMore">Whether more are held already, for the next one.</param>
    public void Gathered(DateTimeOffset now, bool hasMore)
    {
        _heldSince = hasMore ? now : null;
        _single.Enqueue(now);
    }

    /// <summary>Remembers one of before a restart.</summary>
    public void Restore(DateTimeOffset made, bool isHeld)
    {
        if (isHeld)
            _heldSince ??= made;
        else
            _single.Enqueue(made);
    }
}
