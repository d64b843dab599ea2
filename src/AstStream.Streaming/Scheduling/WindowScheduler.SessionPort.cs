using AstStream.Events;
using AstStream.Streaming.FrontEnd;
using AstStream.Streaming.Graph;

namespace AstStream.Streaming.Scheduling;

/// <content>The sessions' side.</content>
internal sealed partial class WindowScheduler
{
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

    /// <summary>One session's side of the scheduler.</summary>
    internal sealed class SessionPort(WindowScheduler scheduler, bool preparesAhead) : ISessionLoad
    {
        private int _held; // windows that it has taken, and neither scored nor given back

        /// <summary>Set when there may be something to do.</summary>
        public Signal WakeUp { get; } = new();

        public required int MaxBatch { get; set; }

        public bool PreparesAhead => preparesAhead;

        public bool IsIdle { get; private set; } = true;

        public int AtHand { get; private set; }

        public int Room => IsOut ? 0 : MaxBatch - AtHand;

        /// <summary>Whether the session has failed, and takes no windows until it is opened again.</summary>
        public bool IsOut { get; private set; }

        /// <summary>Whether it has not failed since its last batch; one that is merely opened again may fail again.</summary>
        public bool IsWell { get; private set; } = true;

        public long BusySince { get; private set; }

        public ThroughputEstimate Estimate { get; private set; } = new();

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

        /// <summary>
        /// Whether there is work left and every other session has failed since its last batch, or has ended. Asked under one lock: another
        /// one that does the last of the work and ends meanwhile leaves none.
        /// </summary>
        public bool IsOnlyHope
        {
            get
            {
                lock (scheduler._lock)
                    return !IsOver && !scheduler._sessions.Any(s => s != this && s.IsWell);
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
        public int Take(List<Piece> taken)
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
                    scheduler._taken += count;
                    _held += count;
                    for (var i = first; i < taken.Count; i++)
                        taken[i].State = PieceState.Running;
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
        public void GiveBack(List<Piece> windows)
        {
            lock (scheduler._lock)
            {
                (IsOut, IsWell, AtHand, _held) = (true, false, 0, 0);
                List<Piece> bad = [.. windows.Where(w => w.Failures >= MostFailures)];
                windows.RemoveAll(w => w.Failures >= MostFailures);
                foreach (var window in bad)
                    scheduler.Lose(window, LossReason.Fault);
                foreach (var window in windows)
                    window.State = PieceState.Waiting;
                scheduler._queue.PutBack(windows);
                if (scheduler.IsLeftOut)
                    scheduler.LoseAll();
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

        /// <summary>The session is open again, or another one in its place.</summary>
        public void Reopen(int maxBatch)
        {
            lock (scheduler._lock)
            {
                scheduler._maxBatches += maxBatch - MaxBatch;
                (IsOut, MaxBatch, Estimate) = (false, maxBatch, new ThroughputEstimate());
                scheduler.WakeGatherer();
                if (scheduler._writers == 0)
                    scheduler.WakeAll();
            }
        }

        /// <summary>Windows have their scores.</summary>
        public void Scored(List<Piece> windows)
        {
            lock (scheduler._lock)
            {
                foreach (var window in windows)
                {
                    window.State = PieceState.Analysed;
                    scheduler._unread++;
                    scheduler._scores.Count();
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
}
