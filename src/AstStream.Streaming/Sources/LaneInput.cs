using AstStream.Streaming.Graph;

namespace AstStream.Streaming.Sources;

/// <summary>
/// Where blocks go into a lane. While a lane of live streams gets more than it can do, some of its streams stay out, as many as it takes,
/// each for a while: a window needs all of its sound, so where every stream lost a block now and then nothing would be heard of any. Safe
/// for many threads.
/// </summary>
/// <param name="edge">The blocks on their way.</param>
/// <param name="time">The clock.</param>
internal sealed class LaneInput(Edge<AudioBlock> edge, TimeProvider time)
{
    private const int AtOnce = 100; // one of so many streams at a look: a pause of the process is no overload

    private static readonly TimeSpan s_out = TimeSpan.FromSeconds(10); // how long a stream stays out
    private static readonly TimeSpan s_betweenLooks = TimeSpan.FromMilliseconds(100);

    private long _looked = time.GetTimestamp();
    private int _depth; // then
    private int _streams;
    private int _least = int.MaxValue; // priority
    private int _leave; // streams that may be left out until the next look
    private volatile bool _isUrgent; // any stream may be; else those of the least priority that were not out lately

    /// <summary>The blocks on their way.</summary>
    public Edge<AudioBlock> Edge => edge;

    /// <summary>A stream begins.</summary>
    public void Enter(int priority)
    {
        Interlocked.Increment(ref _streams);
        for (var least = _least; priority < least; least = _least)
            Interlocked.CompareExchange(ref _least, priority, least);
    }

    /// <summary>A stream ends.</summary>
    public void Leave() => Interlocked.Decrement(ref _streams);

    /// <summary>Whether a stream stays out with what it has now.</summary>
    public bool IsOut(StreamRoute stream)
    {
        var now = time.GetTimestamp();
        if (stream.LeftOut is { } since && time.GetElapsedTime(since, now) < s_out)
            return true;
        Look(now);
        if (Volatile.Read(ref _leave) <= 0 || !(_isUrgent || MayGo(stream, now)) || Interlocked.Decrement(ref _leave) < 0)
            return false;
        stream.LeftOut = now;
        return true;
    }

    private bool MayGo(StreamRoute stream, long now) =>
        stream.Priority == _least && !(stream.LeftOut is { } since && time.GetElapsedTime(since, now) < 2 * s_out);

    private void Look(long now)
    {
        var last = Interlocked.Read(ref _looked);
        if (time.GetElapsedTime(last, now) < s_betweenLooks || Interlocked.CompareExchange(ref _looked, now, last) != last)
            return;
        var before = _depth;
        _depth = edge.Depth;
        var isTooMuch = _depth > edge.Capacity / 2 && _depth >= before; // where it falls, enough are out
        _isUrgent = Volatile.Read(ref _leave) > 0; // none of those that should go is left
        Volatile.Write(ref _leave, isTooMuch ? 1 + (_streams / AtOnce) : 0);
    }
}
