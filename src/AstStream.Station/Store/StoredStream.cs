using AstStream.Events;

namespace AstStream.Station.Store;

/// <summary>A stream as a store remembers it for one event: when one place of it was heard, where that was known.</summary>
internal sealed class StoredStream(string id, string source, DateTimeOffset? at, double place, bool isClockGood)
    : StreamIdentity(id, source, at - TimeSpan.FromSeconds(place))
{
    public override bool IsClockGood => isClockGood;

    public override DateTimeOffset? TimeAt(double seconds) =>
        at + TimeSpan.FromTicks((long)Math.Round((seconds - place) * TimeSpan.TicksPerSecond));
}
