using AstStream.Streaming.FrontEnd;

namespace AstStream.Streaming.Scheduling;

/// <summary>
/// Which windows go next: those of the highest priority, of these the live streams' first (a file can wait), and of these one of each
/// stream in turn, so that a stream with many windows gets no more than its share. Pure: no clock, no lock, no task.
/// </summary>
internal sealed class WindowQueue
{
    private readonly List<Level> _levels = []; // of few kinds, those that go first first
    private readonly LinkedList<Piece> _arrival = []; // windows of live streams, oldest first

    /// <summary>Windows that wait.</summary>
    public int Count { get; private set; }

    /// <summary>Windows of live streams that wait.</summary>
    public int Live => _arrival.Count;

    /// <summary>The window of a live stream that has waited longest.</summary>
    public Piece? Oldest => _arrival.First?.Value;

    /// <summary>Puts a window after those of its stream.</summary>
    public void Add(Piece window)
    {
        var stream = window.Timeline;
        stream.Waiting.Enqueue(window);
        Count++;
        if (stream.IsLive)
            _arrival.AddLast(window.InArrival);
        if (stream.IsInRing)
            return;
        stream.IsInRing = true;
        RingOf(stream.Priority, stream.IsLive).Enqueue(stream);
    }

    /// <summary>
    /// Puts windows that were taken before the others of their streams again. They are in the order in which they were taken.
    /// </summary>
    public void PutBack(IReadOnlyList<Piece> windows)
    {
        foreach (var group in windows.GroupBy(w => w.Timeline))
        {
            var stream = group.Key;
            var later = stream.Waiting.ToArray();
            stream.Waiting.Clear();
            List<Piece> back = [.. group.OrderBy(w => w.Start)];
            foreach (var window in back.Concat(later))
                stream.Waiting.Enqueue(window);
            Count += back.Count;
            if (stream.IsLive)
            {
                // One order in both: windows may have the same start.
                for (var i = back.Count - 1; i >= 0; i--)
                    _arrival.AddFirst(back[i].InArrival);
            }

            if (stream.IsInRing)
                continue;
            stream.IsInRing = true;
            RingOf(stream.Priority, stream.IsLive).Enqueue(stream);
        }
    }

    /// <summary>Takes up to a number of windows, each stream's in their order.</summary>
    public int Take(int most, List<Piece> taken)
    {
        var count = 0;
        foreach (var (_, _, ring) in _levels)
        {
            while (count < most && ring.TryDequeue(out var stream))
            {
                // A stream whose windows have expired is in its ring still.
                if (stream.Waiting.Count > 0)
                {
                    taken.Add(Dequeue(stream));
                    count++;
                }

                if (stream.Waiting.Count > 0)
                    ring.Enqueue(stream);
                else
                    stream.IsInRing = false;
            }
        }

        return count;
    }

    /// <summary>Takes the oldest window of a live stream, which is the oldest one of its stream too.</summary>
    public Piece TakeOldest() => Dequeue(Oldest!.Timeline);

    private Piece Dequeue(StreamTimeline stream)
    {
        var window = stream.Waiting.Dequeue();
        Count--;
        if (stream.IsLive)
            _arrival.Remove(window.InArrival);
        return window;
    }

    private Queue<StreamTimeline> RingOf(int priority, bool isLive)
    {
        var at = 0;
        for (; at < _levels.Count && (_levels[at].Priority, _levels[at].IsLive).CompareTo((priority, isLive)) >= 0; at++)
        {
            if (_levels[at].Priority == priority && _levels[at].IsLive == isLive)
                return _levels[at].Ring;
        }

        _levels.Insert(at, new Level(priority, isLive, new Queue<StreamTimeline>()));
        return _levels[at].Ring;
    }

    /// <summary>The streams of one kind that have windows, in turn.</summary>
    private readonly record struct Level(int Priority, bool IsLive, Queue<StreamTimeline> Ring);
}
