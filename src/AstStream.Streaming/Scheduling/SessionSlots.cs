using System.Diagnostics;
using AstStream.Streaming.FrontEnd;

namespace AstStream.Streaming.Scheduling;

/// <summary>
/// The one or two slots of a session, and whose turn it is: the node fills rows and reads scores, a thread of its own runs. With two slots
/// the next batch is filled while one runs, and the thread takes what is at hand the moment that the session falls free.
/// </summary>
/// <param name="port">The session's side of the scheduler. Its lock is taken after this one's, never before.</param>
/// <param name="time">The clock.</param>
/// <param name="maxQueueDelay">How long a window may wait for others of its batch.</param>
internal sealed class SessionSlots(WindowScheduler.SessionPort port, TimeProvider time, TimeSpan maxQueueDelay)
{
    private readonly object _gate = new();
    private readonly SlotBatch[] _batches = [new(0), new(1)];
    private readonly Queue<SlotBatch> _finished = new(); // whose scores are to be read
    private int _atHand; // the slot that is filled
    private SlotsState _state;
    private IModelSession _session = null!;
    private Exception? _fault; // that the session has failed of
    private bool _pauses; // another session is to take over: nothing is begun

    /// <summary>What the node does next.</summary>
    public enum Next
    {
        /// <summary>Scores wait to be read.</summary>
        Work,

        /// <summary>Nothing, until it is woken.</summary>
        Wait,

        /// <summary>The session has failed.</summary>
        Reopen,

        /// <summary>No window is to come.</summary>
        End,
    }

    /// <summary>The session that runs.</summary>
    public IModelSession Session => Volatile.Read(ref _session);

    /// <summary>What the session has failed of; asked for where the node is to reopen it.</summary>
    public Exception? Fault
    {
        get
        {
            lock (_gate)
                return _fault;
        }
    }

    /// <summary>
    /// Whether rows may be filled: one slot can't be filled, nor have its scores overwritten, while it is in use.
    /// </summary>
    public bool CanFill
    {
        get
        {
            lock (_gate)
                return _session.Slots > 1 || (_state == SlotsState.Filling && _finished.Count == 0);
        }
    }

    private SlotBatch AtHand => _batches[_atHand];

    /// <summary>Begins with a session: the first, or another one after a failure.</summary>
    public void Open(IModelSession session)
    {
        lock (_gate)
        {
            (_session, _pauses) = (session, false);
            Become(SlotsState.Filling, null);
        }
    }

    /// <summary>Ends the thread, after its run.</summary>
    public void End()
    {
        lock (_gate)
        {
            Become(SlotsState.Ended, _fault);
            Monitor.Pulse(_gate);
        }
    }

    /// <summary>Puts a window into a row of the batch at hand, which may be sent, and be another one, at any time.</summary>
    public void Place(Piece window)
    {
        while (true)
        {
            SlotBatch batch;
            int row;
            lock (_gate)
                (batch, row) = (AtHand, AtHand.Windows.Count);
            _session.SetInput(batch.Slot, row, window);
            lock (_gate)
            {
                if (batch != AtHand || row != batch.Windows.Count)
                    continue; // sent meanwhile: the window goes into the next one
                batch.Windows.Add(window);
                return;
            }
        }
    }

    /// <summary>The first batch whose scores are to be read; null where there is none.</summary>
    public SlotBatch? PeekFinished()
    {
        lock (_gate)
            return _finished.TryPeek(out var batch) ? batch : null;
    }

    /// <summary>Its scores are read.</summary>
    public void Read(SlotBatch batch)
    {
        lock (_gate)
        {
            batch.Unread.Clear();
            batch.HasScores = false;
            _finished.Dequeue();
        }
    }

    /// <summary>Wakes the thread where a batch is due, and says what the node does next.</summary>
    /// <param name="wait">After how long a batch is due, where nothing else comes before; zero for never.</param>
    public Next Decide(out TimeSpan wait)
    {
        wait = TimeSpan.Zero;
        lock (_gate)
        {
            if (_state == SlotsState.Failed)
                return Next.Reopen;
            if (_finished.Count > 0)
                return Next.Work;
            if (_state != SlotsState.Filling)
                return Next.Wait;
            if (AtHand.Windows.Count == 0)
                return port.IsOver ? Next.End : Next.Wait;
            wait = WaitBeforeSend();
            if (wait <= TimeSpan.Zero && port.MayRun)
            {
                Become(SlotsState.Due, null);
                Monitor.Pulse(_gate);
            }

            return Next.Wait;
        }
    }

    /// <summary>For the thread: waits for the next batch, which is to be run; null when there will be none.</summary>
    public SlotBatch? WaitForBatch()
    {
        lock (_gate)
        {
            while (_state != SlotsState.Ended && !CanStart())
                Monitor.Wait(_gate);
            return _state == SlotsState.Ended ? null : Send();
        }
    }

    /// <summary>A batch was run, or the session has failed with it.</summary>
    public void Ran(SlotBatch batch, Exception? fault)
    {
        lock (_gate)
        {
            if (fault is null)
                _finished.Enqueue(batch);
            if (_state != SlotsState.Ended)
                Become(fault is null ? SlotsState.Filling : SlotsState.Failed, fault);
        }
    }

    /// <summary>The session has failed: takes back all windows that have no scores.</summary>
    public List<Piece> TakeBack()
    {
        lock (_gate)
            return TakeAll();
    }

    /// <summary>
    /// Puts another session into the place of one that is well, when no run is under way and all scores are read; until then nothing is
    /// begun.
    /// </summary>
    /// <param name="session">The session to come.</param>
    /// <param name="windows">The windows that were in rows, and wait again.</param>
    /// <returns>Whether it has taken over; else it is to be tried again after the run.</returns>
    public bool TryReplace(IModelSession session, out List<Piece> windows)
    {
        lock (_gate)
        {
            _pauses = _state is not SlotsState.Failed;
            windows = [];
            if (_finished.Count > 0 || _state is not (SlotsState.Filling or SlotsState.Due))
                return false;
            windows = TakeAll();
            (_session, _pauses) = (session, false);
            Become(SlotsState.Filling, null);
            return true;
        }
    }

    /// <summary>
    /// Whether the batch at hand is to be sent: with one slot when the node says so, which must have read the last one's scores; with two
    /// the thread may see for itself, as long as this one's last scores are read.
    /// </summary>
    private bool CanStart() => !_pauses && (_state == SlotsState.Due
        || (_state == SlotsState.Filling && _session.Slots > 1 && AtHand.Windows.Count > 0 && AtHand.Unread.Count == 0
            && WaitBeforeSend() <= TimeSpan.Zero && port.MayRun));

    private List<Piece> TakeAll()
    {
        List<Piece> windows = [];
        foreach (var batch in _batches)
        {
            windows.AddRange(batch.Unread);
            windows.AddRange(batch.Windows);
            batch.Unread.Clear();
            batch.Windows.Clear();
        }

        _finished.Clear();
        _atHand = 0;
        return windows;
    }

    private TimeSpan WaitBeforeSend() => BatchPolicy.WaitBeforeSend(
        AtHand.Windows.Count, _session.MaxBatch, port.IsDraining, time.GetElapsedTime(0, AtHand.Windows[0].Arrived), maxQueueDelay,
        time.GetElapsedTime(0, time.GetTimestamp()));

    /// <summary>Takes the batch at hand to be run; with two slots the other one is filled from here on.</summary>
    private SlotBatch Send()
    {
        var batch = AtHand;
        var rows = batch.Windows.Count;
        if (_session.Slots > 1)
        {
            _atHand = 1 - batch.Slot;
            rows = _session.RowsToRun(rows);
        }

        for (var row = 0; row < batch.Windows.Count; row++)
        {
            if (row < rows)
            {
                batch.Unread.Add(batch.Windows[row]);
                continue;
            }

            _session.SetInput(_atHand, AtHand.Windows.Count, batch.Windows[row]);
            AtHand.Windows.Add(batch.Windows[row]);
        }

        batch.Windows.Clear();
        batch.Started = time.GetTimestamp();
        port.Started(rows);
        Become(SlotsState.Running, null);
        return batch;
    }

    /// <summary>The one way from state to state. Under the gate.</summary>
    private void Become(SlotsState state, Exception? fault)
    {
        Debug.Assert(Monitor.IsEntered(_gate), "states change under the gate");
        Debug.Assert(
            (_state, state) switch
            {
                (SlotsState.Filling, SlotsState.Filling) => _finished.Count == 0, // before the first run
                (SlotsState.Filling, SlotsState.Due or SlotsState.Running) => true,
                (SlotsState.Due, SlotsState.Running or SlotsState.Filling) => true, // or another session takes over
                (SlotsState.Running, SlotsState.Filling or SlotsState.Failed) => true,
                (SlotsState.Failed, SlotsState.Filling) => true,
                (_, SlotsState.Ended) => true,
                _ => false,
            },
            "there is no such way");
        Debug.Assert(state != SlotsState.Failed || fault is not null, "a failure has a cause");
        (_state, _fault) = (state, fault);
    }
}
