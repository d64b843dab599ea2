using System.Runtime.CompilerServices;
using AstStream.Events;
using AstStream.Streaming.FrontEnd;

namespace AstStream.Streaming.Scheduling;

/// <content>The decoding node's side.</content>
internal sealed partial class WindowScheduler
{
    /// <summary>
    /// Takes pieces that are decided, each stream's in their order; waits for the first. False when all streams have ended.
    /// </summary>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> TakeDecidedAsync(List<Piece> taken, int most)
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
    public bool TakeDecided(List<Piece> taken, int most)
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
                    if (piece.State == PieceState.Analysed)
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
    public void Decoded(List<Piece> pieces)
    {
        lock (_lock)
        {
            var hadRoom = _patient < PatientCapacity;
            foreach (var piece in pieces)
            {
                if (!piece.Timeline.IsLive)
                    _patient--;
                if (!piece.IsLast)
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

    /// <inheritdoc/>
    public void Continue(StreamTimeline stream, Handover received)
    {
        lock (_lock)
        {
            stream.Received = received;
            MarkReady(stream);
        }
    }

    /// <summary>
    /// Looks for windows that are too old, while no lane delivers any more: a session that is away must not hold up for ever the model that
    /// goes on with the streams.
    /// </summary>
    /// <param name="isLate">Whether windows of streams that can wait are too old, too, where no session scores.</param>
    public void Expire(bool isLate)
    {
        lock (_lock)
        {
            var expired = Control(_time.GetTimestamp());
            if (isLate && _sessions.TrueForAll(s => s.IsOut))
                expired |= LoseAll();
            if (expired)
                WakeAll();
        }
    }

    /// <summary>Whether it is a shadow that nobody scores for now: nothing waits for it.</summary>
    private bool IsLeftOut => ShadowOf is not null && _sessions.Count > 0 && _sessions.TrueForAll(s => s.IsOut);

    /// <summary>Nobody will score what waits.</summary>
    private bool LoseAll()
    {
        var waiting = new List<Piece>();
        _queue.Take(int.MaxValue, waiting);
        foreach (var window in waiting)
            Lose(window, LossReason.Fault);
        return waiting.Count > 0;
    }

    /// <summary>
    /// A window that nobody will score. Neighbours that share its fate become one piece, so that a standstill costs no memory.
    /// </summary>
    private void Expire(Piece window)
    {
        _report.Expired(Model);
        Lose(window, LossReason.Overload);
    }

    private void Lose(Piece window, LossReason reason)
    {
        var stream = window.Timeline;
        window.ReleaseFrames();
        (window.State, window.Reason) = window.Part is null
            ? (PieceState.Lost, reason) : (PieceState.Noted, LossReason.None); // no time is lost by an aimed one
        if (window.Part is null && window.InTimeline.Previous is { Value: { State: PieceState.Lost } before } && before.Reason == reason)
        {
            before.Extend(window);
            stream.Items.Remove(window.InTimeline);
            if (!stream.IsLive)
            {
                _patient--;
                _lanes.ForEach(l => l.Set());
            }

            window.Return();
        }

        MarkReady(stream);
    }

    private static bool IsDecided(StreamTimeline stream) =>
        !stream.IsHeld && stream.Items.First is { Value.State: not (PieceState.Waiting or PieceState.Running) };

    private void MarkReady(StreamTimeline stream)
    {
        if (stream.IsReady || !IsDecided(stream))
            return;
        stream.IsReady = true;
        _ready.Enqueue(stream);
        _decided.Set();
    }
}
