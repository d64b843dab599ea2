using AstStream.Streaming.Sources;

namespace AstStream.Streaming.FrontEnd;

/// <summary>
/// One stream as one model sees it: the pieces of its time in order, from the front end to the ledger. Pieces are resolved in any order
/// and leave in their own.
/// </summary>
internal sealed class StreamTimeline(StreamInfo stream, WindowOptions options, bool isLive, bool isHeld = false)
{
    private volatile int _effectiveHop = options.HopFrames;
    private readonly uint _phase = Phase(stream.Id);
    private volatile bool _isQuiet;

    public StreamInfo Stream { get; } = stream;

    public WindowOptions Options { get; } = options;

    /// <summary>Higher ones go first.</summary>
    public int Priority => Stream.Priority ?? 0;

    /// <summary>Whether its source can't wait.</summary>
    public bool IsLive { get; } = isLive;

    /// <summary>Frames from the next window's start to the one after it. The scheduler sets it, the lane reads it.</summary>
    public int EffectiveHop
    {
        get => _effectiveHop;
        set => _effectiveHop = value;
    }

    /// <summary>
    /// The hop after a segment's first window. Thousands of live streams begin, or break off, at one moment, and their windows would come
    /// at one moment for ever; a first hop of a length that is the stream's own spreads them. A stream that can wait needs none.
    /// </summary>
    public int FirstHop => IsLive ? 1 + (int)(_phase % (uint)EffectiveHop) : EffectiveHop;

    /// <summary>
    /// Whether the last seconds stayed, on the whole, within the stream's noise floor. The lane sets it, the scheduler reads it.
    /// </summary>
    public bool IsQuiet
    {
        get => _isQuiet;
        set => _isQuiet = value;
    }

    // The scheduler's, under its lock.
    public LinkedList<Piece> Items { get; } = [];

    public Queue<Piece> Waiting { get; } = [];

    public bool IsInRing { get; set; }

    public bool IsReady { get; set; }

    /// <summary>The hop controller's own: which streams it stretches alike.</summary>
    public int HopClass { get; set; }

    /// <summary>What the model remembers of the stream from before, for the decoding node. Set before the first piece.</summary>
    public StreamState? Resumed { get; set; }

    /// <summary>What another model of the same name has left unfinished of the stream. Set before the first piece.</summary>
    public byte[]? Unfinished { get; set; }

    /// <summary>Whether its pieces wait for what the model before has still to decide of the stream.</summary>
    public bool IsHeld => isHeld && Received is null;

    /// <summary>What the model before has said when it left the stream to this one; null where there was none.</summary>
    public Handover? Received { get; set; }

    /// <summary>The model that goes on with the stream, as that sees it. Set before the last piece.</summary>
    public (IWindowScheduler Scheduler, StreamTimeline Timeline)? Successor { get; set; }

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
}
