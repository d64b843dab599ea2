using AstStream.Dsp;
using AstStream.Events;
using AstStream.Events.Decoding;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Sources;

namespace AstStream.Streaming.FrontEnd;

/// <summary>
/// A piece of a stream's time: a window with its log-mel frames and, later, its scores; or an interval that has no window. The pieces of a
/// stream cover it without hole or overlap: a window's own interval is its cell.
/// </summary>
internal sealed class Piece : Pooled<Piece>
{
    private readonly WindowFrames _frames = new();
    private readonly ScoreBuffer _scores = new();
    private readonly ScoreBuffer _columns = new();
    private readonly ScoreBuffer _embedding = new();
    private (long Start, long End) _cell;

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

    /// <summary>Whether the model gets no more of the stream.</summary>
    public bool IsLast => State is PieceState.End or PieceState.HandedOver;

    /// <summary>Why it was lost.</summary>
    public LossReason Reason { get; set; }

    /// <summary>What the source was like then; null where nobody watches it.</summary>
    public SourceState? Source { get; private set; }

    /// <summary>The window's first sample.</summary>
    public long Start => _frames.Start;

    /// <summary>The first sample of the interval that it stands for.</summary>
    public long CellStart => _cell.Start;

    /// <summary>The sample after the interval's last one.</summary>
    public long CellEnd => _cell.End;

    /// <summary>Samples from this window's start to the next one's.</summary>
    public int Hop => _frames.Hop;

    /// <summary>The model that has scored it, and what that ran on; null for an interval without scores.</summary>
    public ModelIdentity? HeardBy { get; set; }

    /// <summary>How its stream goes on after it.</summary>
    public CutPoint After { get; set; }

    /// <summary>Where in the source's input it was heard.</summary>
    public LocatedInput Input { get; set; }

    /// <summary>
    /// The part of an activity that the window is aimed at; its cell is empty then. Null for a window of its turn, and for an interval.
    /// </summary>
    public ActivityPart? Part { get; set; }

    /// <summary>When the window's last sample was there.</summary>
    public long Captured { get; set; }

    /// <summary>When the scheduler got it.</summary>
    public long Arrived { get; set; }

    /// <summary>Times that a session failed with it alone.</summary>
    public int Failures { get; set; }

    /// <summary>Frames that hold sound; the rest of the model's input is padding.</summary>
    public int Frames => _frames.Count;

    /// <summary>The sample after the window's last one; of an interval, after that.</summary>
    public long End => Frames > 0 ? Start + FbankOptions.NumSamples(Frames) : CellEnd;

    /// <summary>One score a class, once it is analysed.</summary>
    public Span<float> Scores => _scores.All;

    /// <summary>
    /// The localiser's logits by column and group, once it is analysed; empty but for a window that is aimed at an activity, by a model
    /// that has a localiser.
    /// </summary>
    public Span<float> Columns => _columns.All;

    /// <summary>What the model makes its scores of, once it is analysed; empty where nobody asks for it.</summary>
    public Span<float> Embedding => _embedding.All;

    /// <summary>A window over frames that are in chunks, which it holds from here on.</summary>
    public static Piece Rent(
        StreamTimeline timeline, List<FrameChunk> chunks, int firstFrame, int frames, int bins, long start, long cellStart, long cellEnd,
        int hop)
    {
        var window = Interval(timeline, PieceState.Waiting, LossReason.None, cellStart, cellEnd);
        window._frames.Take(chunks, firstFrame, frames, bins, start, hop);
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
        window._frames.Clear(start);
        window._cell = (start, end);
        (window.Captured, window.Arrived, window.Failures) = (0, 0, 0);
        window._scores.Resize(0);
        window._columns.Resize(0);
        window._embedding.Resize(0);
        window.HeardBy = null;
        window.Input = default;
        window.Part = null;
        return window;
    }

    /// <summary>Writes the frames, padded after with 0.0 as the feature extractor pads before it normalises.</summary>
    public void CopyTo(Span<float> features) => _frames.CopyTo(features);

    /// <summary>Takes over another one's time, which follows its own, and how its stream goes on.</summary>
    public void Extend(Piece later) => (_cell.End, After) = (later.CellEnd, later.After);

    /// <summary>Lets go of the frames: they were copied, or nobody will.</summary>
    public void ReleaseFrames() => _frames.Release();

    /// <summary>Makes room for scores, whose values are undefined yet.</summary>
    public Span<float> ResizeScores(int count) => _scores.Resize(count);

    /// <summary>Makes room for the localiser's logits, whose values are undefined yet.</summary>
    public Span<float> ResizeColumns(int count) => _columns.Resize(count);

    /// <summary>Makes room for an embedding, whose values are undefined yet.</summary>
    public Span<float> ResizeEmbedding(int count) => _embedding.Resize(count);

    protected override void Clear()
    {
        ReleaseFrames();
        Timeline = null!;
    }
}
