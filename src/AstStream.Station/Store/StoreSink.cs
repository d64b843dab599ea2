using AstStream.Events;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Sinks;

namespace AstStream.Station.Store;

/// <summary>
/// Keeps events and coverage in a SQLite file: what was written is on the disk at most 200 ms later, and a run that is repeated changes
/// nothing. What is older than the retention goes. One process writes to a store, any number read from it meanwhile.
/// </summary>
public sealed class StoreSink : ISink
{
    private const int MostWaiting = 2_000; // records that one transaction takes

    internal static readonly Key<string?> Path = Keys.Text(
        "path", "The SQLite file; relative to this file. File and folder are made where they are missing.", required: true);
    internal static readonly Key<TimeSpan?> Retention = Keys.Duration(
        "retention", "How long events and coverage are kept, such as 30d; 365d by default. Counts by day stay.", TimeSpan.FromHours(1),
        TimeSpan.FromDays(36_500));

    /// <summary>The type as pipelines name it.</summary>
    public static readonly SinkType Type = new(
        "store", "Keeps events, and coverage where that is asked for, in a SQLite file: for aststream events, and for any SQLite tool.",
        [Path, Retention], (section, _) => new Settings(
            section.Get(Path) is { } path ? section.ResolveLinks(path) : "", section.Get(Retention) ?? TimeSpan.FromDays(365)));

    private static readonly TimeSpan s_betweenCommits = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_afterBusy = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_betweenRemovals = TimeSpan.FromMinutes(1);

    private readonly string _path;
    private readonly TimeSpan _retention;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new(); // the writer
    private ISinkReport? _report;
    private StoreWriter? _writer;
    private long _committed; // when
    private long _busy; // when somebody waited for another process in vain; 0: not lately
    private long _removed; // when; 0 where there is more to remove

    private StoreSink(Settings settings, TimeProvider time) => (_path, _retention, _time) = (settings.Path, settings.Retention, time);

    /// <inheritdoc/>
    public string Description => $"store {_path}";

    /// <inheritdoc/>
    public ISinkReport Report
    {
        set => _report = value;
    }

    /// <inheritdoc/>
    public ValueTask OpenAsync(CancellationToken cancellation) => Guarded(() =>
    {
        _writer = StoreWriter.Open(_path, _time);
        _committed = _time.GetTimestamp();
    });

    /// <inheritdoc/>
    public ValueTask WriteAsync(StreamRecord record, CancellationToken cancellation) => Guarded(() =>
    {
        if (_writer!.Waiting >= MostWaiting)
            Commit();
        _writer.Add(record);
    });

    /// <inheritdoc/>
    public async ValueTask FlushAsync(CancellationToken cancellation)
    {
        // Each transaction waits for the disk: what comes meanwhile goes with it.
        var since = _time.GetElapsedTime(_committed);
        if (since < s_betweenCommits)
            await Task.Delay(s_betweenCommits - since, _time, cancellation).ConfigureAwait(false);
        await Guarded(() =>
        {
            Commit();
            if (_removed != 0 && _time.GetElapsedTime(_removed) < s_betweenRemovals)
                return;
            var now = _time.GetUtcNow();
            var levelsBefore = LevelRetention is { } kept ? now - kept : DateTimeOffset.MinValue;
            _removed = _writer!.Remove(now - _retention, levelsBefore) ? 0 : _time.GetTimestamp();
        }).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public ValueTask CompleteAsync(CancellationToken cancellation) => Guarded(Commit);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        lock (_lock)
        {
            _writer?.Dispose();
            _writer = null;
        }

        return ValueTask.CompletedTask;
    }

    /// <summary>Hears each record that is in the store, after it is there.</summary>
    private Action<StreamRecord>? Committed { get; init; }

    /// <summary>Does something with the store between the records, which wait meanwhile; also when the run is over.</summary>
    /// <exception cref="StoreException">It failed.</exception>
    internal void Use(Action<StoreWriter> work)
    {
        lock (_lock)
        {
            // Records are not to wait for one after the other that waits in vain.
            if (_busy != 0 && _time.GetElapsedTime(_busy) < s_afterBusy)
                throw new StoreException($"{_path}: another process holds it; try again", isTransient: true);
            _busy = 0;
            try
            {
                if (_writer is not null)
                {
                    work(_writer);
                    return;
                }

                using var writer = StoreWriter.Open(_path, _time);
                work(writer);
            }
            catch (StoreException e) when (e.IsTransient)
            {
                _busy = _time.GetTimestamp();
                throw;
            }
        }
    }

    /// <summary>How long levels are kept, which a station adds; null, the default, for a sink that leaves them alone.</summary>
    private TimeSpan? LevelRetention { get; init; }

    internal static StoreSink Make(
        string path, TimeSpan retention, TimeProvider time, Action<StreamRecord>? committed = null, TimeSpan? levelRetention = null) =>
        new(new Settings(path, retention), time) { LevelRetention = levelRetention ?? retention, Committed = committed };

    private void Commit()
    {
        _writer!.Commit(Committed);
        _committed = _time.GetTimestamp();
        if (_writer.Replaced is not { } what)
            return;
        _report?.Warn(what);
        _writer.Replaced = null;
    }

    private ValueTask Guarded(Action work)
    {
        try
        {
            lock (_lock)
                work();
            return ValueTask.CompletedTask;
        }
        catch (StoreException e)
        {
            throw new SinkException(e.Message, e.IsTransient);
        }
    }

    private sealed record Settings(string Path, TimeSpan Retention) : SinkSettings
    {
        public override IReadOnlyList<Resource> Resources => Path.Length > 0 ? [Resource.Writes(Path)] : [];

        public override ISink Build() => new StoreSink(this, TimeProvider.System);
    }
}
