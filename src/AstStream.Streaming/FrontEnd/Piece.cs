using AstStream.Events;
using AstStream.Streaming.Graph;

namespace AstStream.Streaming.FrontEnd;

/// <summary>
/// A piece of a stream's time: a window with its log-mel frames and, later, its scores; or an interval that has no window. The pieces of a
/// stream cover it without hole or overlap: a window's own interval is its cell.
/// </summary>
internal sealed class Piece : Pooled<Piece>
{
    private readonly List<FrameChunk> _chunks = [];
    private float[] _scores = [];
    private int _numScores;
    private int _offset; // of the window's first frame in the first chunk
    private int _bins;

    public Piece()
    {
        InTimeline = new LinkedListNode<Piece>(this);
        InArrival = new LinkedListNode<Piece>(this);
    }

    /// <summary>Its place in its stream's timeline.</summary>
    public LinkedListNode<Piece> InTimeline { get; }

    /// <summary>Its place among all windows of live streams that wait.</summary>
    public LinkedListNode<Piece> InArrival { get; }

    /// <summary>The stream's timeline, from when the scheduler has it.</summary>
    public StreamTimeline Timeline { get; set; } = null!;

    /// <summary>Where it is on its way.</summary>
    public PieceState State { get; set; }

    /// <summary>Why it was lost.</summary>
    public LossReason Reason { get; set; }

    /// <summary>What the source was like then; null where nobody watches it.</summary>
    public SourceState? Source { get; private set; }

    /// <summary>The window's first sample.</summary>
    public long Start { get; private set; }

    /// <summary>The first sample of the interval that it stands for.</summary>
    public long CellStart { get; private set; }

    /// <summary>The sample after the interval's last one.</summary>
    public long CellEnd { get; set; }

    /// <summary>Samples from this window's start to the next one's.</summary>
    public int Hop { get; private set; }

    /// <summary>How its stream goes on after it.</summary>
    public CutPoint After { get; set; }

    /// <summary>Where in the source's input it was heard.</summary>
    public InputRange Origin { get; set; }

    /// <summary>When the window's last sample was there.</summary>
    public long Captured { get; set; }

    /// <summary>When the scheduler got it.</summary>
    public long Arrived { get; set; }

    /// <summary>Times that a session failed with it alone.</summary>
    public int Failures { get; set; }

    /// <summary>Frames that hold sound; the rest of the model's input is padding.</summary>
    public int Frames { get; private set; }

    /// <summary>One score a class, once it is analysed.</summary>
    public Span<float> Scores => _scores.AsSpan(0, _numScores);

    /// <summary>A window over frames that are in chunks, which it holds from here on.</summary>
    public static Piece Rent(
        StreamTimeline timeline, List<FrameChunk> chunks, int firstFrame, int frames, int bins, long start, long cellStart, long cellEnd,
        int hop)
    {
        var window = Interval(timeline, PieceState.Waiting, LossReason.None, cellStart, cellEnd);
        window.Start = start;
        window.Hop = hop;
        window.Frames = frames;
        window._bins = bins;
        window._offset = firstFrame % FrameChunk.Frames;
        for (var i = firstFrame / FrameChunk.Frames; i * FrameChunk.Frames < firstFrame + frames; i++)
        {
            chunks[i].Hold();
            window._chunks.Add(chunks[i]);
        }

        return window;
    }

    /// <summary>An interval without a window.</summary>
    public static Piece Interval(StreamTimeline timeline, PieceState state, LossReason reason, long start, long end)
    {
        var window = RentAny();
        window.Timeline = timeline;
        window.State = state;
        window.Reason = reason;
        window.Source = timeline.Stream.Health is { } health ? reason.StateOfSource() ?? health.Sounding : null;
        window.Start = window.CellStart = start;
        window.CellEnd = end;
        window.Hop = 0;
        window.Frames = window.Failures = 0;
        window.Captured = window.Arrived = 0;
        window._numScores = 0;
        window.Origin = default;
        return window;
    }

    /// <summary>Writes the frames, padded after with 0.0 as the feature extractor pads before it normalises.</summary>
    public void CopyTo(Span<float> features)
    {
        var rest = Frames * _bins;
        features[rest..].Clear();
        var offset = _offset;
        foreach (var chunk in _chunks)
        {
            var part = chunk.From(offset);
            part = part[..Math.Min(rest, part.Length)];
            part.CopyTo(features);
            features = features[part.Length..];
            rest -= part.Length;
            offset = 0;
        }
    }

    /// <summary>Lets go of the frames: they were copied, or nobody will.</summary>
    public void ReleaseFrames()
    {
        foreach (var chunk in _chunks)
            chunk.Release();
        _chunks.Clear();
    }

    /// <summary>Makes room for scores, whose values are undefined yet.</summary>
    public Span<float> ResizeScores(int count)
    {
        if (_scores.Length < count)
            _scores = GC.AllocateUninitializedArray<float>(count);
        _numScores = count;
        return Scores;
    }

    protected override void Clear()
    {
        ReleaseFrames();
        Timeline = null!;
    }
}
