using System.Diagnostics;
using AstStream.Dsp;
using AstStream.Events;
using AstStream.Streaming.FrontEnd;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;

namespace AstStream.Streaming.Scheduling;

/// <summary>
/// Where the windows of all streams meet for one model: the lanes deliver them, the sessions take them in batches and give scores back, and
/// the decoding node takes what is decided, each stream's pieces in their order. One lock, held briefly; what to do next is decided by
/// <see cref="WindowQueue"/>, <see cref="BatchPolicy"/> and <see cref="HopController"/>, which know no thread.
/// </summary>
internal sealed partial class WindowScheduler : IWindowScheduler, IModelLoad
{
    private const string WindowMessage = "FeatureWindow";
    private const int MergeFrom = 64; // pieces of a stream
    private const int MostFailures = 2; // of sessions with one window alone: then it is the window

    private static readonly TimeSpan s_control = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_defaultMaxAge = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly WindowQueue _queue = new();
    private readonly HopController _hops = new();
    private readonly BacklogRate _backlog = new();
    private readonly List<SessionPort> _sessions = [];
    private readonly List<Signal> _lanes = [];
    private readonly Queue<StreamTimeline> _ready = [];
    private readonly HashSet<StreamTimeline> _streams = []; // that have not ended
    private readonly HashSet<StreamTimeline> _live = []; // of these, those that can't wait
    private readonly Signal _decided = new();
    private readonly RunReport _report;
    private readonly Arrow _windows;
    private readonly Arrow _scores;
    private long _lastControl;
    private long _taken; // windows, by sessions
    private ModelIdentity? _heardBy;
    private int _maxBatches; // windows in a run of all sessions
    private int _writers;
    private int _unread; // windows with scores that nobody has taken
    private int _patient; // pieces of streams that can wait, from delivery until they are decoded
    private bool _decoderWaits;
    private bool _isClosed;

    /// <summary>Makes a scheduler.</summary>
    /// <param name="model">The model's name.</param>
    /// <param name="window">How its windows are cut.</param>
    /// <param name="options">How they are batched.</param>
    /// <param name="time">The clock.</param>
    /// <param name="report">Counts.</param>
    public WindowScheduler(string model, WindowOptions window, BatchOptions options, TimeProvider time, RunReport report)
    {
        Model = model;
        Window = window;
        Options = options;
        _time = time;
        _report = report;
        _lastControl = time.GetTimestamp();
        _windows = new Arrow(this, WindowMessage, () => _queue.Count, () => PatientCapacity);
        _scores = new Arrow(this, "ScoreFrame", () => _unread, () => UnreadCapacity);
    }

    public string Model { get; }

    public IWindowScheduler? ShadowOf { get; set; }

    /// <summary>Whether its sessions let others go first: it scores in the shadow of a model that has windows waiting.</summary>
    public bool MustYield => ShadowOf is WindowScheduler { HasWaiting: true };

    private bool HasWaiting
    {
        get
        {
            lock (_lock)
                return _queue.Count > 0;
        }
    }

    public WindowOptions Window { get; }

    public BatchOptions Options { get; }

    /// <summary>
    /// Tells models apart whose scores differ, and windows that are cut otherwise: what one remembers of a stream another one can't use.
    /// </summary>
    public string Identity { get; init; } = "";

    /// <summary>What its last opened session runs as; null before the first.</summary>
    public ModelIdentity? HeardBy
    {
        get => Volatile.Read(ref _heardBy);
        set => Volatile.Write(ref _heardBy, value);
    }

    /// <summary>The arrow from the lanes to the sessions.</summary>
    public IEdge Windows => _windows;

    /// <summary>The arrow from the sessions to the decoding node.</summary>
    public IEdge Scores => _scores;

    public double HopSeconds => Window.HopFrames * FbankOptions.FrameTime.TotalSeconds;

    /// <summary>Live streams' hops now: the mean and the greatest stretch.</summary>
    public (bool IsOverloaded, double Mean, double Max) Stretch
    {
        get
        {
            lock (_lock)
                return (_hops.IsOverloaded, _hops.MeanStretch, _hops.MaxStretch);
        }
    }

    /// <summary>Streams that have begun and not ended.</summary>
    public int Streams
    {
        get
        {
            lock (_lock)
                return _streams.Count;
        }
    }

    private int PatientCapacity => Math.Max(32, 4 * _maxBatches);

    private int UnreadCapacity => Math.Max(1024, 4 * _maxBatches);

    /// <inheritdoc/>
    public bool AddLane(string lane, Signal wakeUp)
    {
        lock (_lock)
        {
            if (_writers == 0 && _lanes.Count > 0)
                return false;
            _lanes.Add(wakeUp);
            _windows.AddWriter(lane);
            _writers++;
            return true;
        }
    }

    /// <summary>One more session takes windows; told before it runs.</summary>
    public SessionPort AddSession(int maxBatch, bool preparesAhead)
    {
        var port = new SessionPort(this, preparesAhead) { MaxBatch = maxBatch };
        lock (_lock)
        {
            _sessions.Add(port);
            _maxBatches += maxBatch;
        }

        return port;
    }

    /// <summary>The node of a session, for pictures of the graph.</summary>
    public void AddSessionNode(string node)
    {
        _windows.AddReader(node);
        _scores.AddWriter(node);
    }

    /// <summary>The node that takes what is decided, for pictures of the graph.</summary>
    public void AddDecoder(string node) => _scores.AddReader(node);

    /// <inheritdoc/>
    public StreamTimeline Open(StreamInfo stream, bool isLive, bool isHeld = false)
    {
        var timeline = new StreamTimeline(stream, Window, isLive, isHeld);
        lock (_lock)
        {
            _streams.Add(timeline);
            if (isLive)
                _live.Add(timeline);
        }

        return timeline;
    }

    /// <inheritdoc/>
    public void Deliver(StreamTimeline stream, List<Piece> pieces)
    {
        var now = _time.GetTimestamp();
        lock (_lock)
        {
            if (_isClosed)
            {
                foreach (var piece in pieces)
                    piece.Return();
                return;
            }

            foreach (var piece in pieces)
            {
                Debug.Assert(
                    stream.Items.Last is not { } last || last.Value.CellEnd == piece.CellStart, "a piece does not join the last one");
                piece.Arrived = now;
                if (piece.Captured == 0)
                    piece.Captured = now; // an end or a gap brought it, not a sample
                if (stream.IsLive && stream.Items.Count > MergeFrom && TryMerge(stream, piece))
                    continue;
                stream.Items.AddLast(piece.InTimeline);
                if (!stream.IsLive)
                    _patient++;
                if (piece.State != PieceState.Waiting)
                    continue;
                _windows.Count();
                if (IsLeftOut)
                    Lose(piece, LossReason.Fault);
                else
                    _queue.Add(piece);
            }

            if (Control(now) && _writers == 0 && _queue.Count == 0)
                WakeAll();
            MarkReady(stream);
            WakeGatherer();
        }
    }

    /// <inheritdoc/>
    public bool HasRoom()
    {
        lock (_lock)
            return _isClosed || _patient < PatientCapacity;
    }

    /// <inheritdoc/>
    public void Complete(Exception? fault)
    {
        lock (_lock)
        {
            if (fault is not null)
            {
                foreach (var session in _sessions)
                    session.WakeUp.Fail(fault);
                _lanes.ForEach(l => l.Fail(fault));
                _decided.Fail(fault);
                return;
            }

            if (--_writers == 0)
                WakeAll();
        }
    }

    /// <summary>Gives back all that is left after a run that did not end well.</summary>
    public void Close()
    {
        lock (_lock)
        {
            _isClosed = true;
            _queue.Take(int.MaxValue, []);
            foreach (var stream in _streams)
            {
                while (stream.Items.First is { } first)
                {
                    stream.Items.RemoveFirst();
                    first.Value.Return();
                }
            }
        }
    }

    /// <summary>Expires windows that are too old (true where there were some), and now and then looks at the load.</summary>
    private bool Control(long now)
    {
        var waiting = _queue.Count;
        var (slowest, capacity) = (0.0, 0.0);
        foreach (var session in _sessions)
        {
            slowest = Math.Max(slowest, session.Estimate.Seconds(session.MaxBatch));
            capacity += session.IsOut ? 0 : session.Estimate.Rate(session.MaxBatch);
        }

        var maxAge = Options.MaxAge ?? TimeSpan.FromSeconds(Math.Max(s_defaultMaxAge.TotalSeconds, 3 * slowest));
        while (_queue.Oldest is { } oldest && _time.GetElapsedTime(oldest.Captured, now) > maxAge)
            Expire(_queue.TakeOldest());

        var expired = _queue.Count < waiting;
        if (_time.GetElapsedTime(_lastControl, now) < s_control)
            return expired;
        _lastControl = now;
        var late = Options.MaxQueueDelay + TimeSpan.FromSeconds((2 * slowest) + 0.2);
        var isLate = _queue.Oldest is { } first && _time.GetElapsedTime(first.Arrived, now) > late;
        var wasOverloaded = _hops.IsOverloaded;
        var clock = _time.GetElapsedTime(0, now);
        _backlog.Update(clock, _taken, isLate);
        _hops.Update(clock, _live, capacity, _queue.Live, isLate, _backlog.Rate);
        if (wasOverloaded != _hops.IsOverloaded)
            _report.Overload(Model, _hops.IsOverloaded, _live.Count);
        return expired;
    }

    /// <summary>
    /// While nobody decodes (a sink stands still), pieces without a window become one, and activities are not noted, so that a stream that
    /// is gated or away costs no memory.
    /// </summary>
    private static bool TryMerge(StreamTimeline stream, Piece piece)
    {
        var last = stream.Items.Last!.Value;
        if (piece.Part is null && (piece.State is not (PieceState.Gated or PieceState.Lost)
            || last.State != piece.State || last.Reason != piece.Reason || last.Source != piece.Source))
            return false;
        last.Extend(piece);
        piece.Return();
        return true;
    }
}
