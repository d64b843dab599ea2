namespace AstStream.Streaming.Scheduling;

/// <summary>
/// How many windows a second are really taken while some wait too long: what all stages together can do, whichever of them is short of
/// time. Pure: the caller gives it the time. For one thread at a time.
/// </summary>
internal sealed class BacklogRate
{
    private static readonly TimeSpan s_span = TimeSpan.FromSeconds(1);

    private (TimeSpan At, long Taken)? _since; // when the span that is counted began; null while nothing is late

    /// <summary>Windows a second in the last span; 0 while nothing is late, and before the first span is over.</summary>
    public double Rate { get; private set; }

    /// <summary>Says how things stand.</summary>
    /// <param name="now">The time.</param>
    /// <param name="taken">Windows that were taken, over all time.</param>
    /// <param name="isLate">Whether the oldest that waits has waited too long.</param>
    public void Update(TimeSpan now, long taken, bool isLate)
    {
        if (!isLate)
        {
            (_since, Rate) = (null, 0);
            return;
        }

        var since = _since ??= (now, taken);
        if (now - since.At < s_span)
            return;
        Rate = Math.Max(1, (taken - since.Taken) / (now - since.At).TotalSeconds);
        _since = (now, taken);
    }
}
