using AstStream.Events;

namespace AstStream.Streaming;

/// <summary>
/// One stream as one model sees it: the pieces of its time in order, from the front end to the ledger. Pieces are resolved in any order
/// and leave in their own.
/// </summary>
internal sealed class StreamTimeline(StreamInfo stream, WindowScheduler scheduler, int priority, bool isLive)
{
    private volatile int _effectiveHop = scheduler.Window.HopFrames;
    private readonly uint _phase = Phase(stream.Id);
    private volatile bool _isQuiet;

    public StreamInfo Stream => stream;

    public WindowOptions Options => scheduler.Window;

    /// <summary>Higher ones go first.</summary>
    public int Priority => priority;

    /// <summary>Whether its source can't wait.</summary>
    public bool IsLive => isLive;

    /// <summary>Frames from the next window's start to the one after it. The scheduler sets it, the lane reads it.</summary>
    public int EffectiveHop
    {
        get => _effectiveHop;
        set => _effectiveHop = value;
    }

    /// <summary>
    /// The hop behind a segment's first window. Thousands of live streams begin, or break off, at one moment, and their windows would come
    /// at one moment for ever; a first hop of a length that is the stream's own spreads them. A stream that can wait needs none.
    /// </summary>
    public int FirstHop => isLive ? 1 + (int)(_phase % (uint)EffectiveHop) : EffectiveHop;

    /// <summary>Whether the last seconds stayed, on the whole, within the stream's noise floor. The lane sets it, the scheduler reads it.</summary>
    public bool IsQuiet
    {
        get => _isQuiet;
        set => _isQuiet = value;
    }

    // The lane's alone.
    private readonly List<FeatureWindow> _new = [];

    // The scheduler's, under its lock.
    public LinkedList<FeatureWindow> Items { get; } = [];

    public Queue<FeatureWindow> Waiting { get; } = [];

    public bool IsInRing { get; set; }

    public bool IsReady { get; set; }

    /// <summary>The hop controller's own: the streams that it stretches alike.</summary>
    public HopController.Class? HopClass { get; set; }

    /// <summary>What the model remembers of the stream from before, for the decoding node. Set before the first piece.</summary>
    public StreamState? Resumed { get; set; }

    // The decoding node's alone.
    public long Checkpoint { get; set; } // the number of the next one; 0 where nobody asks

    public EventDecoder? Decoder { get; set; }

    public CoverageLedger? Ledger { get; set; }

    /// <summary>FNV-1a of the name and a last mix: the same in every run, and even for names that differ in a number.</summary>
    private static uint Phase(string id)
    {
        var hash = 2166136261u;
        foreach (var c in id)
            hash = (hash ^ c) * 16777619;
        hash ^= hash >> 16;
        hash *= 0x85EBCA6B;
        return hash ^ (hash >> 13);
    }

    /// <summary>Takes a piece that joins the last one.</summary>
    public void Add(FeatureWindow window, long captured)
    {
        window.Captured = captured;
        _new.Add(window);
    }

    /// <summary>Hands the new pieces to the scheduler.</summary>
    public void Deliver()
    {
        if (_new.Count == 0)
            return;
        scheduler.Deliver(this, _new);
        _new.Clear();
    }
}
