using AstStream.Streaming.FrontEnd;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Telemetry;

namespace AstStream.Streaming.Scheduling;

/// <summary>
/// Drives one session: takes windows from the scheduler, fills rows, runs, reads scores. The node fills and reads; a thread of its own
/// runs; <see cref="SessionSlots"/> says whose turn it is. A batch that fails is scored in smaller ones; where even single windows fail,
/// the session gives its windows back to the scheduler, for others to score, and is opened again after a while; what was asked for takes
/// the place of a fallback as soon as it can be had.
/// </summary>
internal sealed class SessionNode : Node
{
    private const int MostReopenings = 5; // in a row without a batch, where no other session scores
    private static readonly TimeSpan s_longestWait = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_yield = TimeSpan.FromMilliseconds(20); // how long a shadow lets its model go first, each time

    private readonly Func<bool, IModelSession> _open;
    private readonly WindowScheduler _scheduler;
    private readonly TimeProvider _time;
    private readonly RunReport _report;
    private readonly string _description;
    private readonly TimeSpan _firstWait; // before it is opened again; doubles
    private readonly TimeSpan _firstFallbackWait; // before what was asked for is tried in place of a fallback; doubles
    private readonly List<Piece> _taken = []; // windows that are not in a row yet; the node's alone
    private WindowScheduler.SessionPort? _port;
    private SessionSlots? _slots;
    private ITimer? _timer;
    private Thread? _thread;
    private SessionReturn? _return; // while a fallback scores
    private int _reopenings; // since its last batch

    /// <summary>Makes a node.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="scheduler">Where windows come from and scores go to.</param>
    /// <param name="open">Opens the session, before the graph runs and after each failure: whether it may be a fallback.</param>
    /// <param name="description">What the session is.</param>
    /// <param name="time">The clock.</param>
    /// <param name="report">Counts.</param>
    /// <param name="firstWait">How long it is waited before a session that has failed is opened again, at first; a second by
    /// default.</param>
    public SessionNode(string name, WindowScheduler scheduler, Func<bool, IModelSession> open, string description, TimeProvider time,
        RunReport report, TimeSpan? firstWait = null)
        : base(name)
    {
        (_scheduler, _open, _description, _time, _report) = (scheduler, open, description, time, report);
        _firstWait = firstWait ?? TimeSpan.FromSeconds(1);
        _firstFallbackWait = 10 * _firstWait;
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
        var session = _open(true);
        _port = _scheduler.AddSession(session.MaxBatch, session.Slots > 1);
        _slots = new SessionSlots(_port, _time, _scheduler.Options.MaxQueueDelay);
        _slots.Open(session);
        Opened(session);
        _timer = _time.CreateTimer(_ => _port.WakeUp.Set(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        return ValueTask.CompletedTask;
    }

    internal override ValueTask CloseAsync()
    {
        _return?.Dispose();
        _slots?.End();
        _thread?.Join(); // a run can't be interrupted
        _timer?.Dispose();
        _slots?.Session.Dispose();
        return ValueTask.CompletedTask;
    }

    protected override async Task WorkAsync(CancellationToken cancellation)
    {
        var (port, slots) = (_port!, _slots!);
        _thread = new Thread(() => RunBatches(port, slots)) { IsBackground = true, Name = $"aststream {Name}" };
        _thread.Start();
        while (true)
        {
            ReadScores(port, slots);
            if (_return?.Session is { } asked)
                Replace(port, slots, asked);
            var yields = _scheduler.MustYield;
            if (!yields)
                Fill(port, slots);
            var next = slots.Decide(out var wait);
            if (yields && next == SessionSlots.Next.Wait)
                wait = s_yield;
            if (wait > TimeSpan.Zero)
                _timer!.Change(wait, Timeout.InfiniteTimeSpan);
            if (next == SessionSlots.Next.End)
            {
                port.Close();
                return;
            }

            if (next == SessionSlots.Next.Reopen)
            {
                if (!await ReopenAsync(port, slots, cancellation).ConfigureAwait(false))
                    return;
            }
            else if (next == SessionSlots.Next.Wait)
                await port.WakeUp.WaitAsync().ConfigureAwait(false);
        }
    }

    /// <summary>
    /// The session has failed: its windows are given back, and it is opened again, later and later. False where nobody needs it any more.
    /// </summary>
    private async Task<bool> ReopenAsync(WindowScheduler.SessionPort port, SessionSlots slots, CancellationToken cancellation)
    {
        var why = slots.Fault!;
        port.GiveBack(slots.TakeBack());
        _report.SessionFails(Name, _scheduler.Model, why.Message.ReplaceLineEndings(" "));
        var wait = _firstWait * Math.Pow(2, Math.Min(_reopenings, MostReopenings));
        while (true)
        {
            if (port.IsOver)
            {
                port.Close();
                return false;
            }

            // A shadow is tried for ever: nobody depends on it.
            if (++_reopenings > MostReopenings && _scheduler.ShadowOf is null && port.IsOnlyHope)
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(why); // whoever supervises the process may have more luck
            await Task.Delay(wait < s_longestWait ? wait : s_longestWait, _time, cancellation).ConfigureAwait(false);
            wait = wait < s_longestWait ? wait * 2 : wait; // a TimeSpan that is doubled for ever overflows
            try
            {
                slots.Session.Dispose();
                slots.Open(_open(true));
                break;
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                why = e;
                _report.SessionFails(Name, _scheduler.Model, e.Message.ReplaceLineEndings(" "));
            }
        }

        port.Reopen(slots.Session.MaxBatch);
        Opened(slots.Session);
        _report.SessionRecovers(Name);
        return true;
    }

    /// <summary>What was asked for can be had again: it takes the place of the fallback.</summary>
    private void Replace(WindowScheduler.SessionPort port, SessionSlots slots, IModelSession asked)
    {
        var fallback = slots.Session;
        if (!slots.TryReplace(asked, out var windows))
            return;
        _return!.Take();
        port.GiveBack(windows);
        port.Reopen(asked.MaxBatch);
        fallback.Dispose();
        Opened(asked);
        _report.SessionRecovers(Name);
    }

    /// <summary>A session is open: says what it runs as, and looks for what was asked for where that is something else.</summary>
    private void Opened(IModelSession session)
    {
        foreach (var warning in session.Warnings)
            _report.Warn(Name, warning);
        var (identity, rate) = (session.Identity, session.WindowsPerSecond);
        _report.SessionOpens(Name, new SessionState(
            _scheduler.Model, identity.Provider, identity.Precision, rate, session.IsFallback, session.Description));
        _scheduler.HeardBy = identity;
        _return?.Dispose();
        _return = session.IsFallback ? new SessionReturn(() => _open(false), _time, _firstFallbackWait, _port!.WakeUp.Set) : null;
    }

    /// <summary>Takes windows and puts them into rows.</summary>
    private void Fill(WindowScheduler.SessionPort port, SessionSlots slots)
    {
        if (!slots.CanFill)
            return;
        while (port.Take(_taken) > 0)
        {
            _taken.ForEach(slots.Place);
            _taken.Clear();
        }
    }

    /// <summary>Gives the scores of finished runs to the scheduler.</summary>
    private void ReadScores(WindowScheduler.SessionPort port, SessionSlots slots)
    {
        var session = slots.Session;
        while (slots.PeekFinished() is { } batch)
        {
            var now = _time.GetTimestamp();
            _report.AddBatch(_scheduler.Model, batch.Unread.Count, session.MaxBatch, batch.Duration);
            for (var row = 0; row < batch.Unread.Count; row++)
            {
                var window = batch.Unread[row];
                _report.Waited(_scheduler.Model, _time.GetElapsedTime(window.Arrived, batch.Started));
                window.ReleaseFrames();
                window.HeardBy = session.Identity;
                if (!batch.HasScores)
                    session.Read(batch.Slot, row, window);
                if (window.Timeline.IsLive)
                    _report.Scored(_scheduler.Model, _time.GetElapsedTime(window.Captured, now));
            }

            port.Scored(batch.Unread);
            slots.Read(batch);
        }
    }

    /// <summary>The thread: runs batches one after another, and sleeps while none is due.</summary>
    private void RunBatches(WindowScheduler.SessionPort port, SessionSlots slots)
    {
        while (slots.WaitForBatch() is { } batch)
        {
            slots.Ran(batch, Run(slots.Session, port, batch));
            port.WakeUp.Set();
        }
    }

    /// <summary>Runs a batch; where it fails, in smaller ones. Returns why the session is of no use any more, or null.</summary>
    private Exception? Run(IModelSession session, WindowScheduler.SessionPort port, SlotBatch batch)
    {
        var start = _time.GetTimestamp();
        try
        {
            session.Run(batch.Slot, batch.Unread.Count);
        }
        catch (Exception e)
        {
            if (batch.Unread.Count > 1 && !session.IsBroken)
                _report.BatchSplits(Name, batch.Unread.Count, e.Message.ReplaceLineEndings(" "));
            if (session.IsBroken || !RunSmaller(session, batch))
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
    private static bool RunSmaller(IModelSession session, SlotBatch batch)
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
                if (count == 1 || session.IsBroken)
                {
                    batch.Unread[done].Failures += count == 1 ? 1 : 0;
                    return false;
                }

                size = count / 2;
                continue;
            }

            for (var i = 0; i < count; i++)
                session.Read(batch.Slot, i, batch.Unread[done + i]);
            done += count;
        }

        batch.HasScores = true;
        return true;
    }
}
