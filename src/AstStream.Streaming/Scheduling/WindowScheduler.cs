using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace AstStream.Streaming;

/// <summary>
/// Where the windows of all streams meet for one model: the lanes deliver them, the sessions take them in batches and give scores back, and
/// the decoding node takes what is decided, each stream's pieces in their order. One lock, held briefly; what to do next is decided by
/// <see cref="WindowQueue"/>, <see cref="BatchPolicy"/> and <see cref="HopController"/>, which know no thread.
/// </summary>
internal sealed class WindowScheduler
{
    private const int MergeFrom = 64; // pieces of a stream
    private const int MostFailures = 2; // of sessions with one window alone: then it is the window

    private static readonly TimeSpan s_control = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_defaultMaxAge = TimeSpan.FromSeconds(10);

    private readonly Lock _lock = new();
    private readonly TimeProvider _time;
    private readonly WindowQueue _queue = new();
    private readonly HopController _hops = new();
    private readonly List<SessionPort> _sessions = [];
    private readonly List<Signal> _lanes = [];
    private readonly Queue<StreamTimeline> _ready = [];
    private readonly HashSet<StreamTimeline> _streams = []; // that have not ended
    private readonly HashSet<StreamTimeline> _live = []; // of these, those that can't wait
    private readonly Signal _decided = new();
    private readonly RunReport _report;
    private long _lastControl;
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
        Windows = new View(this, nameof(FeatureWindow), () => _queue.Count, () => PatientCapacity);
        Scores = new View(this, "ScoreFrame", () => _unread, () => UnreadCapacity);
    }

    public string Model { get; }

    public WindowOptions Window { get; }

    public BatchOptions Options { get; }

    /// <summary>Tells models apart whose scores differ, and windows that are cut otherwise: what one remembers of a stream another one can't use.</summary>
    public string Identity { get; init; } = "";

    /// <summary>The arrow from the lanes to the sessions.</summary>
    public View Windows { get; }

    /// <summary>The arrow from the sessions to the decoding node.</summary>
    public View Scores { get; }

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

    /// <summary>One more lane delivers; told before it runs. False when all lanes have ended: nothing can be delivered any more.</summary>
    /// <param name="wakeUp">Set when a lane that waits for room may go on.</param>
    public bool AddLane(Signal wakeUp)
    {
        lock (_lock)
        {
            if (_writers == 0 && _lanes.Count > 0)
                return false;
            _lanes.Add(wakeUp);
            _writers++;
            return true;
        }
    }

    /// <summary>One more session takes windows; told before it runs.</summary>
    public SessionPort AddSession(int maxBatch, bool preparesAhead)
    {
        var port = new SessionPort(this, maxBatch, preparesAhead);
        lock (_lock)
        {
            _sessions.Add(port);
            _maxBatches += maxBatch;
        }

        return port;
    }

    /// <summary>Whether another session than one scores: it has not failed since its last batch.</summary>
    public bool HasOtherSessions(SessionPort port)
    {
        lock (_lock)
            return _sessions.Any(s => s != port && s.IsWell);
    }

    /// <summary>A stream begins.</summary>
    public StreamTimeline Open(StreamInfo stream, int priority, bool isLive)
    {
        var timeline = new StreamTimeline(stream, this, priority, isLive);
        lock (_lock)
        {
            _streams.Add(timeline);
            if (isLive)
                _live.Add(timeline);
        }

        return timeline;
    }

    /// <summary>Takes a stream's next pieces.</summary>
    public void Deliver(StreamTimeline stream, List<FeatureWindow> pieces)
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
                Debug.Assert(stream.Items.Last is not { } last || last.Value.CellEnd == piece.CellStart, "a piece does not join the last one");
                piece.Arrived = now;
                if (piece.Captured == 0)
                    piece.Captured = now; // an end or a gap brought it, not a sample
                if (stream.IsLive && stream.Items.Count > MergeFrom && TryMerge(stream, piece))
                    continue;
                stream.Items.AddLast(piece.InTimeline);
                if (!stream.IsLive)
                    _patient++;
                if (piece.State != WindowState.Waiting)
                    continue;
                Windows.Count();
                _queue.Add(piece);
            }

            if (Control(now) && _writers == 0 && _queue.Count == 0)
                WakeAll();
            MarkReady(stream);
            WakeGatherer();
        }
    }

    /// <summary>Whether a lane whose streams can wait should go on; if not, its signal is set when it should ask again.</summary>
    public bool HasRoom()
    {
        lock (_lock)
            return _isClosed || _patient < PatientCapacity;
    }

    /// <summary>A lane has delivered its last piece, or has failed.</summary>
    public void Complete(Exception? fault)
    {
        lock (_lock)
        {
            if (fault is not null)
            {
                foreach (var session in _sessions)
                    session.WakeUp.Fail(fault);
                foreach (var lane in _lanes)
                    lane.Fail(fault);
                _decided.Fail(fault);
                return;
            }

            if (--_writers == 0)
                WakeAll();
        }
    }

    /// <summary>Takes pieces that are decided, each stream's in their order; waits for the first. False when all streams have ended.</summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> TakeDecidedAsync(List<FeatureWindow> taken, int most)
    {
        while (true)
        {
            if (TakeDecided(taken, most))
                return true;
            lock (_lock)
            {
                if (_ready.Count > 0)
                    continue;
                if (_writers == 0 && _streams.Count == 0)
                    return false;
                _decoderWaits = true;
                WakeSessions();
            }

            await _decided.WaitAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Takes pieces that are decided already; false where there are none.</summary>
    public bool TakeDecided(List<FeatureWindow> taken, int most)
    {
        lock (_lock)
        {
            while (taken.Count < most && _ready.TryDequeue(out var stream))
            {
                stream.IsReady = false;
                while (taken.Count < most && IsDecided(stream))
                {
                    var piece = stream.Items.First!.Value;
                    stream.Items.RemoveFirst();
                    taken.Add(piece);
                    if (piece.State == WindowState.Analysed)
                        _unread--;
                }

                MarkReady(stream);
            }

            if (taken.Count == 0)
                return false;
            _decoderWaits = false;
            WakeSessions();
            return true;
        }
    }

    /// <summary>Pieces have been decoded: they are the pool's again.</summary>
    public void Decoded(List<FeatureWindow> pieces)
    {
        lock (_lock)
        {
            var hadRoom = _patient < PatientCapacity;
            foreach (var piece in pieces)
            {
                if (!piece.Timeline.IsLive)
                    _patient--;
                if (piece.State != WindowState.End)
                    continue;
                _streams.Remove(piece.Timeline);
                _live.Remove(piece.Timeline);
            }

            if (!hadRoom && _patient < PatientCapacity)
            {
                foreach (var lane in _lanes)
                    lane.Set();
            }
        }

        foreach (var piece in pieces)
            piece.Return();
        pieces.Clear();
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

    private static bool IsDecided(StreamTimeline stream) => stream.Items.First is { Value.State: not (WindowState.Waiting or WindowState.Running) };

    private void MarkReady(StreamTimeline stream)
    {
        if (stream.IsReady || !IsDecided(stream))
            return;
        stream.IsReady = true;
        _ready.Enqueue(stream);
        _decided.Set();
    }

    private void WakeGatherer()
    {
        if (_queue.Count > 0)
            BatchPolicy.Gatherer(_sessions)?.WakeUp.Set();
    }

    private void WakeSessions()
    {
        foreach (var session in _sessions)
        {
            if (session.IsBlocked)
                session.WakeUp.Set();
        }
    }

    private void WakeAll()
    {
        foreach (var session in _sessions)
            session.WakeUp.Set();
        _decided.Set();
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
        {
            _queue.TakeOldest();
            Expire(oldest);
        }

        var expired = _queue.Count < waiting;
        if (_time.GetElapsedTime(_lastControl, now) < s_control)
            return expired;
        _lastControl = now;
        var late = Options.MaxQueueDelay + TimeSpan.FromSeconds((2 * slowest) + 0.2);
        var isLate = _queue.Oldest is { } first && _time.GetElapsedTime(first.Arrived, now) > late;
        var wasOverloaded = _hops.IsOverloaded;
        _hops.Update(_time.GetElapsedTime(0, now), _live, capacity, _queue.Live, isLate);
        if (wasOverloaded != _hops.IsOverloaded)
            _report.Overload(Model, _hops.IsOverloaded, _live.Count);
        return expired;
    }

    /// <summary>While nobody decodes (a sink stands still), pieces without a window become one, so that a stream that is gated or away costs no memory.</summary>
    private static bool TryMerge(StreamTimeline stream, FeatureWindow piece)
    {
        if (piece.State is not (WindowState.Gated or WindowState.Lost) || stream.Items.Last!.Value is not { } last || last.State != piece.State || last.Reason != piece.Reason || last.Source != piece.Source)
            return false;
        last.CellEnd = piece.CellEnd;
        last.After = piece.After;
        piece.Return();
        return true;
    }

    /// <summary>A window that nobody will score. Neighbours that share its fate become one piece, so that a standstill costs no memory.</summary>
    private void Expire(FeatureWindow window)
    {
        _report.Expired(Model);
        Lose(window, LossReason.Overload);
    }

    private void Lose(FeatureWindow window, LossReason reason)
    {
        var stream = window.Timeline;
        window.ReleaseFrames();
        (window.State, window.Reason) = (WindowState.Lost, reason);
        if (window.InTimeline.Previous is { Value: { State: WindowState.Lost } before } && before.Reason == reason)
        {
            before.CellEnd = window.CellEnd;
            before.After = window.After;
            stream.Items.Remove(window.InTimeline);
            window.Return();
        }

        MarkReady(stream);
    }

    /// <summary>One session's side of the scheduler.</summary>
    internal sealed class SessionPort(WindowScheduler scheduler, int maxBatch, bool preparesAhead) : ISessionLoad
    {
        private int _held; // windows that it has taken, and neither scored nor given back

        /// <summary>Set when there may be something to do.</summary>
        public Signal WakeUp { get; } = new();

        public int MaxBatch => maxBatch;

        public bool PreparesAhead => preparesAhead;

        public bool IsIdle { get; private set; } = true;

        public int AtHand { get; private set; }

        public int Room => IsOut ? 0 : maxBatch - AtHand;

        /// <summary>Whether the session has failed, and takes no windows until it is opened again.</summary>
        public bool IsOut { get; private set; }

        /// <summary>Whether it has not failed since its last batch; one that is merely opened again may fail again.</summary>
        public bool IsWell { get; private set; } = true;

        public long BusySince { get; private set; }

        public ThroughputEstimate Estimate { get; } = new();

        /// <summary>Whether it holds back because scores pile up.</summary>
        public bool IsBlocked { get; private set; }

        /// <summary>Whether no window is to come, and none waits.</summary>
        public bool IsDraining
        {
            get
            {
                lock (scheduler._lock)
                    return scheduler._writers == 0 && scheduler._queue.Count == 0;
            }
        }

        /// <summary>
        /// Whether it has nothing more to do: no window is to come, none waits, and no other session has one that it might give back.
        /// </summary>
        public bool IsOver
        {
            get
            {
                lock (scheduler._lock)
                    return scheduler._writers == 0 && scheduler._queue.Count == 0 && scheduler._sessions.TrueForAll(
                        s => s == this || s._held == 0);
            }
        }

        /// <summary>Whether a run may start: not while scores pile up that nobody takes.</summary>
        public bool MayRun
        {
            get
            {
                lock (scheduler._lock)
                {
                    IsBlocked = scheduler._unread >= scheduler.UnreadCapacity && !scheduler._decoderWaits;
                    return !IsBlocked;
                }
            }
        }

        /// <summary>Takes windows, if it is this session's turn to gather them.</summary>
        public int Take(List<FeatureWindow> taken)
        {
            lock (scheduler._lock)
            {
                var expired = scheduler.Control(scheduler._time.GetTimestamp());
                var count = 0;
                if (BatchPolicy.Gatherer(scheduler._sessions) == this)
                {
                    var first = taken.Count;
                    count = scheduler._queue.Take(Room, taken);
                    AtHand += count;
                    _held += count;
                    for (var i = first; i < taken.Count; i++)
                        taken[i].State = WindowState.Running;
                }

                // Whose turn it is now must know, as it may be asleep; and when the last window is taken, all that wait for none.
                scheduler.WakeGatherer();
                if ((count > 0 || expired) && scheduler._writers == 0 && scheduler._queue.Count == 0)
                    scheduler.WakeAll();
                return count;
            }
        }

        /// <summary>A run of so many of the windows at hand begins.</summary>
        public void Started(int rows)
        {
            lock (scheduler._lock)
            {
                (IsIdle, BusySince) = (false, scheduler._time.GetTimestamp());
                AtHand -= rows;
                scheduler.WakeGatherer();
            }
        }

        /// <summary>The run has ended; without a time, it has failed.</summary>
        public void Ended(int rows, TimeSpan? took)
        {
            lock (scheduler._lock)
            {
                IsIdle = true;
                IsWell = took is not null;
                if (took is { } time)
                    Estimate.Add(rows, time.TotalSeconds);
                else
                    IsOut = true;
                scheduler.WakeGatherer();
            }
        }

        /// <summary>
        /// The session has failed: its windows wait for another one, or for it. One that sessions fail with again and again is lost.
        /// </summary>
        public void GiveBack(List<FeatureWindow> windows)
        {
            lock (scheduler._lock)
            {
                (IsOut, IsWell, AtHand, _held) = (true, false, 0, 0);
                List<FeatureWindow> bad = [.. windows.Where(w => w.Failures >= MostFailures)];
                windows.RemoveAll(w => w.Failures >= MostFailures);
                foreach (var window in bad)
                    scheduler.Lose(window, LossReason.Fault);
                foreach (var window in windows)
                    window.State = WindowState.Waiting;
                scheduler._queue.PutBack(windows);
                scheduler.WakeGatherer();
                WakeAtTheEnd();
            }
        }

        /// <summary>The session takes no windows any more: none will come.</summary>
        public void Close()
        {
            lock (scheduler._lock)
                (IsOut, IsWell) = (true, false);
        }

        /// <summary>The session is open again.</summary>
        public void Reopen()
        {
            lock (scheduler._lock)
            {
                IsOut = false;
                scheduler.WakeGatherer();
                if (scheduler._writers == 0)
                    scheduler.WakeAll();
            }
        }

        /// <summary>Windows have their scores.</summary>
        public void Scored(List<FeatureWindow> windows)
        {
            lock (scheduler._lock)
            {
                foreach (var window in windows)
                {
                    window.State = WindowState.Analysed;
                    scheduler._unread++;
                    scheduler.Scores.Count();
                    scheduler.MarkReady(window.Timeline);
                }

                _held -= windows.Count;
                WakeAtTheEnd();
            }
        }

        /// <summary>Sessions that wait for what others might give back must know that they hold nothing.</summary>
        private void WakeAtTheEnd()
        {
            if (_held == 0 && scheduler._writers == 0 && scheduler._queue.Count == 0)
                scheduler.WakeAll();
        }
    }

    /// <summary>One side of the scheduler as an arrow of the graph.</summary>
    internal sealed class View(WindowScheduler scheduler, string message, Func<int> depth, Func<int> capacity) : IEdge
    {
        private readonly List<string> _from = [];
        private readonly List<string> _to = [];
        private long _written;

        public string From => string.Join(", ", _from);

        public string To => string.Join(", ", _to);

        public string Message => message;

        public int Capacity => capacity();

        public long Written => Interlocked.Read(ref _written);

        public int Depth
        {
            get
            {
                lock (scheduler._lock)
                    return depth();
            }
        }

        public long Waits => 0;

        public void AddWriter(string node) => _from.Add(node);

        public void AddReader(string node) => _to.Add(node);

        public void Drain()
        {
            if (message == nameof(FeatureWindow))
                scheduler.Close();
        }

        public void Count() => Interlocked.Increment(ref _written);
    }
}
