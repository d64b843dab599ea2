using System.Numerics;
using AstStream.Dsp;
using AstStream.Events;
using AstStream.Events.Decoding;

namespace AstStream.Streaming.FrontEnd;

/// <summary>
/// Cuts one stream into windows for one model. A window's scores stand for an interval of its own, its cell: from the last
/// cell's end to half a hop after the window's centre; the first cell begins at the segment's start and the last one ends at
/// its end, so the cells cover the stream without hole or overlap, however the hop changes.
/// The last window of a segment ends where the segment ends, so that all its sound is heard and none of it is padding; only
/// a segment shorter than a window is padded.
/// </summary>
internal sealed class WindowCutter(StreamTimeline timeline, IWindowScheduler scheduler)
{
    private const double QuietActivity = 0.25; // a second of sound in the last four

    private readonly List<Piece> _new = []; // that the scheduler does not have yet
    private Segment _segment;
    private long _next; // first frame of the next regular window
    private long _heard; // frames that windows have covered
    private Listener? _listener; // what is heard of the stream; shared with other models
    private long _noted; // columns of the segment whose activity was noted before
    private CutPoint? _awaited; // where it goes on, as long as what comes was decided before

    public StreamTimeline Timeline => timeline;

    public IWindowScheduler Scheduler => scheduler;

    public WindowOptions Options { get; } = timeline.Options;

    /// <summary>The first sample at 16 kHz that has no window yet.</summary>
    public long CellStart { get; private set; }

    /// <summary>Whether what comes was decided before.</summary>
    public bool IsWaiting => _awaited is not null;

    /// <summary>Begins with a segment, or goes on where it stood in it.</summary>
    public void Begin(Segment segment, Listener listener)
    {
        (_segment, CellStart, _listener) = (segment, segment.Start, listener);
        if (timeline.Resumed is { } state)
            (_awaited, CellStart) = (state.Point, state.Point.CellStart);
        Await();
    }

    /// <summary>Begins where another model's cutter stands, and takes the stream from it.</summary>
    public void TakeOver(WindowCutter former)
    {
        BeginAt(former);
        former.Timeline.Successor = (scheduler, timeline);
        former.Add(Piece.Interval(former.Timeline, PieceState.HandedOver, LossReason.None, CellStart, CellStart), captured: 0);
        former.Deliver();
    }

    /// <summary>
    /// Begins where another model's cutter stands, between two of its windows. Where windows are as long as that one's, they are the very
    /// windows that it would cut; else the next one has the same centre.
    /// </summary>
    public void BeginAt(WindowCutter former)
    {
        (_segment, CellStart, _listener) = (former._segment, former.CellStart, former._listener);
        (_heard, _noted) = (former._heard, former._noted);
        _next = Aligned(former._next, former.Options.WindowFrames, _segment);
        if (former._awaited is { } point)
            _awaited = point with { Next = Aligned(point.Next, former.Options.WindowFrames, point.Segment) };
    }

    /// <summary>Cuts the windows that are whole.</summary>
    public void Cut(List<FrameChunk> chunks, long firstFrame, long frames, long captured)
    {
        if (IsWaiting)
            return;
        var floor = _listener!.Floor;
        timeline.IsQuiet = floor.IsLearnt && floor.Activity < QuietActivity;
        _next = Math.Max(_next, firstFrame); // a model with shorter windows may have left no more
        while (frames - _next >= Options.WindowFrames)
        {
            // The hop after this window is decided now: its cell ends midway to the next one's centre.
            var hop = _heard == 0 ? timeline.FirstHop : timeline.EffectiveHop;
            var start = At(_next);
            var cellEnd = start + (FbankOptions.NumSamples(Options.WindowFrames) / 2) + ((long)hop * FbankOptions.FrameShift / 2);
            var piece = Options.Gate && floor.IsQuietSince(_next)
                ? Piece.Interval(timeline, PieceState.Gated, LossReason.None, CellStart, cellEnd)
                : Locate(Piece.Rent(
                    timeline, chunks, (int)(_next - firstFrame), Options.WindowFrames, Options.NumMelBins, start, CellStart, cellEnd,
                    hop * FbankOptions.FrameShift));
            _heard = _next + Options.WindowFrames;
            _next += hop;
            Add(piece, captured);
        }
    }

    /// <summary>
    /// Something sounds, or has just ended: where it is time, a part of it is noted, with a window aimed at it where that is wanted and the
    /// model keeps up. An activity is noted when it is 0.64, 0.96, 1.28, 1.92 s old, and so on, and each time that it is as long as another
    /// window.
    /// </summary>
    public void Note(bool isOver, List<FrameChunk> chunks, long firstFrame, long captured)
    {
        var activity = _listener!.Activity;
        if (!Options.FindsActivity || IsWaiting || activity.Columns <= _noted)
            return;
        var longest = Math.Max(1, Options.WindowFrames / NoiseFloor.ColumnFrames);
        var (number, inPart) = Math.DivRem(activity.Columns - 1 - activity.Onset, longest);
        var start = activity.Onset + (number * longest);
        var length = inPart + 1;
        ActivityProgress? progress = isOver ? ActivityProgress.Over
            : length == longest ? ActivityProgress.Whole
            : number == 0 && activity.End == activity.Columns && IsEarlyLook(length) ? ActivityProgress.Early : null;
        if (progress is not { } known)
            return;
        var end = known == ActivityProgress.Whole ? start + length : activity.End;
        var part = new ActivityPart(At(start * NoiseFloor.ColumnFrames), At(end * NoiseFloor.ColumnFrames), known);
        var piece = Options.ConfirmsActivity && end > start && timeline.EffectiveHop <= Options.HopFrames
            ? Aim(chunks, firstFrame, start * NoiseFloor.ColumnFrames, end * NoiseFloor.ColumnFrames)
            : Piece.Interval(timeline, PieceState.Noted, LossReason.None, CellStart, CellStart);
        piece.Part = part;
        Add(piece, captured);
    }

    /// <summary>The segment ends: cuts its last window over the frames that no window has covered, and closes the last cell.</summary>
    public void EndSegment(List<FrameChunk> chunks, long firstFrame, long frames, long end, Segment next, long captured)
    {
        if (IsWaiting)
        {
            _segment = next;
            Await();
            return;
        }

        Piece? piece = null;
        if (frames > _heard)
        {
            var first = Math.Max(firstFrame, frames - Options.WindowFrames);
            var start = At(first);
            piece = Locate(Piece.Rent(
                timeline, chunks, (int)(first - firstFrame), (int)(frames - first), Options.NumMelBins, start, CellStart, end,
                    timeline.EffectiveHop * FbankOptions.FrameShift));
        }
        else if (end > CellStart)
        {
            piece = _heard > 0
                ? Piece.Interval(timeline, PieceState.Tail, LossReason.None, CellStart, end)
                : Piece.Interval(timeline, PieceState.Lost, LossReason.TooShort, CellStart, end);
        }

        _segment = next;
        _next = _heard = _noted = 0;
        if (piece is not null)
            Add(piece, captured);
        CellStart = end;
    }

    /// <summary>Nothing is there up to a new segment.</summary>
    public void Lose(Segment next, LossReason reason)
    {
        _segment = next;
        if (IsWaiting && !Await())
            return;
        if (CellStart <= next.Start)
            Add(Piece.Interval(timeline, PieceState.Lost, reason, CellStart, next.Start), captured: 0);
    }

    /// <summary>The stream ends.</summary>
    public void End() => Add(Piece.Interval(timeline, PieceState.End, LossReason.None, CellStart, CellStart), captured: 0);

    /// <summary>Hands the new pieces to the scheduler.</summary>
    public void Deliver()
    {
        if (_new.Count == 0)
            return;
        scheduler.Deliver(timeline, _new);
        _new.Clear();
    }

    /// <summary>
    /// Whether it goes on with the segment at hand: the one that it stood in, or, where that does not come again, one after it.
    /// </summary>
    private bool Await()
    {
        if (_awaited is not { } point || _segment.Start < point.Segment.Start)
            return _awaited is null;
        if (_segment == point.Segment)
            (_next, _heard, _noted) = (point.Next, point.Heard, point.Noted);
        _awaited = null;
        return _segment != point.Segment;
    }

    /// <summary>
    /// The first frame of a window whose centre is that of a window of another length; it begins where nothing is heard yet at the latest.
    /// </summary>
    private long Aligned(long next, int frames, Segment segment)
    {
        var undecided = (CellStart - segment.Start) / FbankOptions.FrameShift;
        return frames == Options.WindowFrames ? next : Math.Max(0, Math.Min(next + ((frames - Options.WindowFrames) / 2), undecided));
    }

    private void Add(Piece piece, long captured)
    {
        piece.After = _awaited ?? new CutPoint(_segment, _next, _heard, piece.CellEnd, _listener!.Activity.Columns)
        {
            Listening = timeline.Stream.Delivery is null || scheduler.ShadowOf is not null ? [] : _listener.Save()
        };
        CellStart = piece.CellEnd;
        piece.Captured = captured;
        _new.Add(piece);
    }

    /// <summary>Whether a part of so many columns is looked at before it is whole: at 4, 6, 8, 12, 16 and so on.</summary>
    private static bool IsEarlyLook(long columns) => columns >= 4 && BitOperations.IsPow2(columns % 3 == 0 ? columns / 3 : columns);

    /// <summary>A window over what sounds alone: from a column before it to one after it, as far as that was heard.</summary>
    private Piece Aim(List<FrameChunk> chunks, long firstFrame, long start, long end)
    {
        var last = Math.Min(end + NoiseFloor.ColumnFrames, _listener!.Frames);
        var first = Math.Max(Math.Max(firstFrame, start - NoiseFloor.ColumnFrames), last - Options.WindowFrames);
        return Locate(Piece.Rent(
            timeline, chunks, (int)(first - firstFrame), (int)(last - first), Options.NumMelBins, At(first), CellStart, CellStart, hop: 0));
    }

    /// <summary>The sample of a frame of the segment, at 16 kHz.</summary>
    private long At(long frame) => _segment.Start + (frame * FbankOptions.FrameShift);

    /// <summary>Notes where in the source's input the window's sound was heard.</summary>
    private Piece Locate(Piece window)
    {
        if (timeline.Stream.Delivery is not { } delivery)
            return window;
        long Own(long sample) => _segment.Origin + (long)(
            (Int128)(sample - _segment.Start) * _segment.SampleRate / FbankOptions.SampleRate);
        window.Input = delivery.Locate(Own(window.Start), Own(window.Start + FbankOptions.NumSamples(window.Frames)));
        return window;
    }
}
