using AstStream.Streaming.FrontEnd;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Telemetry;

namespace AstStream.Streaming.Scheduling;

/// <summary>
/// Drives one session: takes windows from the scheduler, fills rows, runs, reads scores. The node fills and reads; a thread of its own
/// runs. With two slots the next batch is filled while one runs, and the thread starts it the moment that the session falls free: what is
/// at hand then is the batch. A batch that fails is scored in smaller ones; where even single windows fail, the session gives its windows
/// back to the scheduler, for others to score, and is opened again after a while.
/// </summary>
internal sealed class SessionNode : Node
{
    private const int MostReopenings = 5; // in a row without a batch, where no other session scores
    private static readonly TimeSpan s_longestWait = TimeSpan.FromMinutes(1);

    private readonly Func<IModelSession> _open;
    private readonly WindowScheduler _scheduler;
    private readonly TimeProvider _time;
    private readonly RunReport _report;
    private readonly string _description;
    private readonly TimeSpan _firstWait; // before it is opened again; doubles
    private IModelSession? _session;
    private WindowScheduler.SessionPort? _port;
    private ITimer? _timer;
    private Thread? _thread;

    // The node's alone.
    private readonly List<Piece> _taken = []; // windows that are not in a row yet

    // Under the gate.
    private readonly object _gate = new();
    private readonly Queue<Batch> _finished = new(); // whose scores are to be read
    private readonly Batch[] _batches = [new(0), new(1)];
    private Batch _atHand; // that is filled
    private bool _isRunning;
    private bool _isDue; // the node says that the batch at hand is to be sent
    private bool _isEnding;
    private Exception? _fault; // of the session, until it is opened again
    private int _reopenings; // since its last batch

    /// <summary>Makes a node.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="scheduler">Where windows come from and scores go to.</param>
    /// <param name="open">Opens the session, before the graph runs and after each failure.</param>
    /// <param name="description">What the session is.</param>
    /// <param name="time">The clock.</param>
    /// <param name="report">Counts.</param>
    /// <param name="firstWait">How long it is waited before a session that has failed is opened again, at first; a second by
    /// default.</param>
    public SessionNode(string name, WindowScheduler scheduler, Func<IModelSession> open, string description, TimeProvider time,
        RunReport report, TimeSpan? firstWait = null)
        : base(name)
    {
        (_scheduler, _open, _description, _time, _report) = (scheduler, open, description, time, report);
        _firstWait = firstWait ?? TimeSpan.FromSeconds(1);
        _atHand = _batches[0];
        scheduler.AddSessionNode(name);
        CompletesWith(scheduler.Scores, fault =>
        {
            if (fault is not null)
                scheduler.Complete(fault);
        });
    }

    public override string Description => _description;

    internal override ValueTask OpenAsync(CancellationToken cancellation)
    {
        _session = _open();
        _port = _scheduler.AddSession(_session.MaxBatch, _session.Slots > 1);
        foreach (var warning in _session.Warnings)
            _report.Warn(Name, warning);
        _report.AddModel(_session.Description);
        _timer = _time.CreateTimer(_ => _port.WakeUp.Set(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        return ValueTask.CompletedTask;
    }

    internal override ValueTask CloseAsync()
    {
        lock (_gate)
        {
            _isEnding = true;
            Monitor.Pulse(_gate);
        }

        _thread?.Join(); // a run can't be interrupted
        _timer?.Dispose();
        _session?.Dispose();
        return ValueTask.CompletedTask;
    }

    protected override async Task WorkAsync(CancellationToken cancellation)
    {
        var port = _port!;
        _thread = new Thread(RunBatches) { IsBackground = true, Name = $"aststream {Name}" };
        _thread.Start();
        while (true)
        {
            var session = _session!;
            ReadScores(session, port);
            Fill(session, port);
            var state = DecideNext(session, port);
            if (state == Next.End)
            {
                port.Close();
                return;
            }

            if (state == Next.Reopen)
                await ReopenAsync(port, cancellation).ConfigureAwait(false);
            else if (state == Next.Wait)
                await port.WakeUp.WaitAsync().ConfigureAwait(false);
        }
    }

    /// <summary>The session has failed: its windows are given back, and it is opened again, later and later.</summary>
    private async Task ReopenAsync(WindowScheduler.SessionPort port, CancellationToken cancellation)
    {
        var why = _fault!;
        List<Piece> windows = [];
        lock (_gate)
        {
            foreach (var batch in _batches)
            {
                windows.AddRange(batch.Unread);
                windows.AddRange(batch.Windows);
                batch.Unread.Clear();
                batch.Windows.Clear();
            }

            _finished.Clear();
            (_isDue, _atHand) = (false, _batches[0]);
        }

        port.GiveBack(windows);
        _report.SessionFails(Name, _scheduler.Model, why.Message.ReplaceLineEndings(" "));
        var wait = _firstWait * Math.Pow(2, _reopenings);
        while (true)
        {
            if (++_reopenings > MostReopenings && !_scheduler.HasOtherSessions(port))
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(why); // whoever supervises the process may have more luck
            await Task.Delay(wait < s_longestWait ? wait : s_longestWait, _time, cancellation).ConfigureAwait(false);
            wait *= 2;
            try
            {
                _session!.Dispose();
                _session = _open();
                break;
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                why = e;
                _report.SessionFails(Name, _scheduler.Model, e.Message.ReplaceLineEndings(" "));
            }
        }

        lock (_gate)
            _fault = null;
        port.Reopen();
        _report.SessionRecovers(Name);
    }

    private enum Next
    {
        Work,
        Wait,
        Reopen,
        End,
    }

    /// <summary>Wakes the thread where a batch is due, and says what the node does next.</summary>
    private Next DecideNext(IModelSession session, WindowScheduler.SessionPort port)
    {
        lock (_gate)
        {
            if (_fault is not null)
                return Next.Reopen;
            if (_finished.Count > 0)
                return Next.Work;
            if (_isRunning || _isDue)
                return Next.Wait;
            if (_atHand.Windows.Count == 0)
                return port.IsOver ? Next.End : Next.Wait;
            var wait = WaitBeforeSend(session, port);
            if (wait > TimeSpan.Zero)
                _timer!.Change(wait, Timeout.InfiniteTimeSpan);
            _isDue = wait <= TimeSpan.Zero && port.MayRun;
            if (_isDue)
                Monitor.Pulse(_gate);
            return Next.Wait;
        }
    }

    private TimeSpan WaitBeforeSend(IModelSession session, WindowScheduler.SessionPort port) => BatchPolicy.WaitBeforeSend(
        _atHand.Windows.Count, session.MaxBatch, port.IsDraining, _time.GetElapsedTime(0, _atHand.Windows[0].Arrived),
            _scheduler.Options.MaxQueueDelay, _time.GetElapsedTime(0, _time.GetTimestamp()));

    /// <summary>Takes windows and puts them into rows of the batch at hand, which may be sent, and be another one, at any time.</summary>
    private void Fill(IModelSession session, WindowScheduler.SessionPort port)
    {
        // One slot can't be filled, nor have its scores overwritten, while it is in use.
        lock (_gate)
        {
            if (session.Slots == 1 && (_isRunning || _isDue || _finished.Count > 0))
                return;
        }

        while (port.Take(_taken) > 0)
        {
            foreach (var window in _taken)
            {
                while (true)
                {
                    Batch batch;
                    int row;
                    lock (_gate)
                        (batch, row) = (_atHand, _atHand.Windows.Count);
                    session.SetInput(batch.Slot, row, window);
                    lock (_gate)
                    {
                        if (batch != _atHand || row != batch.Windows.Count)
                            continue; // sent meanwhile: the window goes into the next one
                        batch.Windows.Add(window);
                        break;
                    }
                }
            }

            _taken.Clear();
        }
    }

    /// <summary>Gives the scores of finished runs to the scheduler.</summary>
    private void ReadScores(IModelSession session, WindowScheduler.SessionPort port)
    {
        while (true)
        {
            Batch batch;
            lock (_gate)
            {
                if (!_finished.TryPeek(out batch!))
                    return;
            }

            var now = _time.GetTimestamp();
            _report.AddBatch(_scheduler.Model, batch.Unread.Count, session.MaxBatch, batch.Duration);
            for (var row = 0; row < batch.Unread.Count; row++)
            {
                var window = batch.Unread[row];
                _report.Waited(_scheduler.Model, _time.GetElapsedTime(window.Arrived, batch.Started));
                window.ReleaseFrames();
                if (!batch.HasScores)
                    session.Read(batch.Slot, row, window.ResizeScores(session.NumLabels));
                if (window.Timeline.IsLive)
                    _report.Scored(_scheduler.Model, _time.GetElapsedTime(window.Captured, now));
            }

            port.Scored(batch.Unread);
            lock (_gate)
            {
                batch.Unread.Clear();
                batch.HasScores = false;
                _finished.Dequeue();
            }
        }
    }

    /// <summary>The thread: runs batches one after another, and sleeps while none is due.</summary>
    private void RunBatches()
    {
        var port = _port!;
        while (true)
        {
            Batch batch;
            IModelSession session;
            lock (_gate)
            {
                while (!_isEnding && (_fault is not null || !CanStart(_session!, port)))
                    Monitor.Wait(_gate);
                if (_isEnding)
                    return;
                session = _session!;
                batch = Send(session, port);
            }

            var fault = Run(session, port, batch);
            lock (_gate)
            {
                if (fault is null)
                    _finished.Enqueue(batch);
                (_fault, _isRunning) = (fault, false);
            }

            port.WakeUp.Set();
        }
    }

    /// <summary>Runs a batch; where it fails, in smaller ones. Returns why the session is of no use any more, or null.</summary>
    private Exception? Run(IModelSession session, WindowScheduler.SessionPort port, Batch batch)
    {
        var start = _time.GetTimestamp();
        try
        {
            session.Run(batch.Slot, batch.Unread.Count);
        }
        catch (Exception e)
        {
            if (batch.Unread.Count > 1)
                _report.BatchSplits(Name, batch.Unread.Count, e.Message.ReplaceLineEndings(" "));
            if (!RunSmaller(session, batch))
            {
                foreach (var window in batch.Unread)
                    window.Failures += batch.Unread.Count == 1 ? 1 : 0;
                port.Ended(batch.Unread.Count, took: null);
                return e;
            }
        }

        batch.Duration = _time.GetElapsedTime(start);
        port.Ended(batch.Unread.Count, batch.Duration);
        _reopenings = 0;
        return null;
    }

    /// <summary>
    /// Scores a batch in parts, half as large and smaller: memory that is too short for many windows may do for a few. False where one
    /// alone fails.
    /// </summary>
    private static bool RunSmaller(IModelSession session, Batch batch)
    {
        var size = batch.Unread.Count / 2;
        for (var done = 0; done < batch.Unread.Count;)
        {
            if (size == 0)
                return false;
            var count = Math.Min(size, batch.Unread.Count - done);
            for (var i = 0; i < count; i++)
                session.SetInput(batch.Slot, i, batch.Unread[done + i]);
            try
            {
                session.Run(batch.Slot, count);
            }
            catch (Exception)
            {
                if (count == 1)
                {
                    batch.Unread[done].Failures++;
                    return false;
                }

                size = count / 2;
                continue;
            }

            for (var i = 0; i < count; i++)
                session.Read(batch.Slot, i, batch.Unread[done + i].ResizeScores(session.NumLabels));
            done += count;
        }

        batch.HasScores = true;
        return true;
    }

    /// <summary>
    /// Whether the batch at hand is to be sent: with one slot when the node says so, which must have read the last one's scores; with two
    /// the thread may see for itself, as long as this one's last scores are read.
    /// </summary>
    private bool CanStart(IModelSession session, WindowScheduler.SessionPort port) =>
        _isDue || (session.Slots > 1 && _atHand.Windows.Count > 0 && _atHand.Unread.Count == 0
            && WaitBeforeSend(session, port) <= TimeSpan.Zero && port.MayRun);

    /// <summary>Takes the batch at hand to be run; with two slots the other one is filled from here on.</summary>
    private Batch Send(IModelSession session, WindowScheduler.SessionPort port)
    {
        var batch = _atHand;
        var rows = batch.Windows.Count;
        if (session.Slots > 1)
        {
            _atHand = _batches[1 - batch.Slot];
            rows = session.PaddedSizes.Count > 0 ? BatchPolicy.Preferred(rows, session.PaddedSizes) : rows;
        }

        for (var row = 0; row < batch.Windows.Count; row++)
        {
            if (row < rows)
            {
                batch.Unread.Add(batch.Windows[row]);
                continue;
            }

            session.SetInput(_atHand.Slot, _atHand.Windows.Count, batch.Windows[row]);
            _atHand.Windows.Add(batch.Windows[row]);
        }

        batch.Windows.Clear();
        batch.Started = _time.GetTimestamp();
        port.Started(rows);
        (_isRunning, _isDue) = (true, false);
        return batch;
    }

    /// <summary>The rows of one slot.</summary>
    private sealed class Batch(int slot)
    {
        public int Slot => slot;

        /// <summary>Windows that are in rows, and to be run.</summary>
        public List<Piece> Windows { get; } = [];

        /// <summary>Windows of the last run, until their scores are read. Their rows of the input may be filled anew meanwhile.</summary>
        public List<Piece> Unread { get; } = [];

        /// <summary>Whether the windows have their scores already: they were scored in parts.</summary>
        public bool HasScores { get; set; }

        public long Started { get; set; }

        public TimeSpan Duration { get; set; }
    }
}
