using AstStream.Station.Store;

namespace AstStream.Station.Levels;

/// <summary>Levels of minutes on their way to the store: lanes give them and never wait; each second they are written.</summary>
/// <param name="write">Writes some; throws where the store can't be written to.</param>
/// <param name="warn">Hears what went wrong.</param>
/// <param name="time">The clock.</param>
internal sealed class LevelQueue(Action<IReadOnlyList<StoredLevels>> write, Action<string> warn, TimeProvider time)
{
    private const int MostWaiting = 50_000; // ten minutes of 5,000 streams
    private const int AtOnce = 1_000; // of one transaction: events wait meanwhile

    private static readonly TimeSpan s_between = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new(); // the minutes
    private readonly Queue<StoredLevels> _minutes = new();
    private readonly List<StoredLevels> _writing = []; // taken from them, and not in the store yet
    private long _lost; // since the last time that it was said

    /// <summary>Takes a minute. When too many wait, the oldest goes.</summary>
    public void Take(StoredLevels minute)
    {
        lock (_lock)
        {
            _minutes.Enqueue(minute);
            if (_minutes.Count <= MostWaiting)
                return;
            _minutes.Dequeue();
            _lost++;
        }
    }

    /// <summary>Writes what waits; what can't be written waits on. One caller at a time.</summary>
    public void Write()
    {
        while (true)
        {
            long lost;
            lock (_lock)
            {
                while (_writing.Count < AtOnce && _minutes.TryDequeue(out var minute))
                    _writing.Add(minute);
                (lost, _lost) = (_lost, 0);
            }

            if (lost > 0)
                warn($"levels of {lost} minutes are lost: the store could not be written to for too long");
            if (_writing.Count == 0)
                return;
            try
            {
                write(_writing);
                _writing.Clear();
            }
            catch (StoreException e)
            {
                warn($"levels can't be written, and wait: {e.Message}");
                return;
            }
        }
    }

    /// <summary>Writes until it is stopped, and what is left then.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            while (true)
            {
                await Task.Delay(s_between, time, stop).ConfigureAwait(false);
                await Task.Run(Write, CancellationToken.None).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            Write();
        }
    }
}
