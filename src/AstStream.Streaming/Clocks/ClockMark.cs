namespace AstStream.Streaming.Clocks;

/// <summary>When, by a clock that may be set, a time was read: how much that time is to be shifted since.</summary>
public sealed class ClockMark
{
    private readonly WallClock _clock;
    private readonly TimeSpan _before;

    internal ClockMark(WallClock clock, TimeSpan before) => (_clock, _before) = (clock, before);

    /// <summary>What the clock was set by since.</summary>
    public TimeSpan Shift => _clock.Shift - _before;

    /// <summary>Whether the clock is known to be right.</summary>
    public bool IsGood => _clock.IsGood;
}
