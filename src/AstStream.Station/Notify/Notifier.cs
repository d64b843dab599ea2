using AstStream.Events;
using AstStream.Station.Store;
using AstStream.Station.Targets;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Telemetry;

namespace AstStream.Station.Notify;

/// <summary>
/// The notifications of a run: decides which are due, keeps them in a store, and brings them to their targets. To the engine it is a sink:
/// what it has taken is in the store.
/// </summary>
public sealed class Notifier : ISink
{
    private const int MostPending = 10_000; // that wait for the store
    private const long MostWaiting = 10_000; // for one target

    private static readonly TimeSpan s_tick = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_betweenLooks = TimeSpan.FromSeconds(5); // at the system
    private static readonly TimeSpan s_betweenCare = TimeSpan.FromHours(1);
    private static readonly TimeSpan s_kept = TimeSpan.FromDays(8); // what was settled: longer than the longest cool-down
    private static readonly TimeSpan s_leave = TimeSpan.FromSeconds(10); // for what is due when the run ends

    private readonly NoticeOptions _options;
    private readonly TimeProvider _time;
    private readonly NoticeStore _store;
    private readonly NoticeOutbox _outbox;
    private readonly NoticePolicy _policy;
    private readonly NoticeText _text;
    private readonly ClipsOfEvents? _clips;
    private readonly IReadOnlyList<(SystemRule Rule, SystemWatch Watch)> _watches;
    private readonly Lock _lock = new(); // the policy, and what is pending
    private readonly List<OutboxEntry> _pending = [];
    private readonly Lock _writing = new(); // taken before the other
    private readonly CancellationTokenSource _stop = new();
    private Dictionary<string, TargetPump> _pumps = [];
    private List<Task> _tasks = [];
    private ISinkReport? _sink;
    private RunReport? _run;
    private volatile bool _isOpen;

    /// <summary>Makes it; nothing is opened yet.</summary>
    /// <param name="options">Where notifications go, and of what they are.</param>
    /// <param name="store">Where they wait.</param>
    /// <param name="isLabelOf">Whether a rule wants a label of a model.</param>
    /// <param name="clipPath">The full path of a clip's file, from what the store says of it; null where no clips are kept.</param>
    /// <param name="time">The clock.</param>
    internal Notifier(
        NoticeOptions options, NoticeStore store, Func<EventRule, string, string, bool> isLabelOf, Func<string, string>? clipPath,
        TimeProvider time)
    {
        (_options, _store, _time) = (options, store, time);
        _outbox = new NoticeOutbox(store.Path, store.Use, time);
        _policy = new NoticePolicy(options.Rules, isLabelOf);
        _text = new NoticeText(options.Link, clipPath is not null, time);
        _clips = clipPath is null ? null : new ClipsOfEvents(_outbox, clipPath);
        _watches = [.. options.SystemRules.Select(r => (r, new SystemWatch(r, Path.GetDirectoryName(store.Path)!, time)))];
    }

    /// <inheritdoc/>
    public string Description => $"notify {string.Join(", ", _options.Targets.Select(t => t.Name))}";

    /// <inheritdoc/>
    public ISinkReport Report
    {
        set => _sink = value;
    }

    /// <summary>Watches a run, for the rules about the system. To be called before it begins.</summary>
    public void Watch(RunReport run) => _run = run;

    /// <inheritdoc/>
    public async ValueTask OpenAsync(CancellationToken cancellation)
    {
        try
        {
            await _store.OpenAsync(cancellation).ConfigureAwait(false);
            var now = _time.GetUtcNow();
            if (_outbox.Expire(now - _options.Expire) is > 0 and var old)
                _sink?.Note($"{old} notifications of before are too old to be sent");
            _outbox.ReleaseHeld(_options.Rules.SelectMany(r => r.To.Select(t => (r.Name, t))).ToHashSet());
            foreach (var (made, trace) in _outbox.Since(now - _policy.Reach))
                _policy.Restore(made, trace);
        }
        catch (StoreException e)
        {
            throw new SinkException(e.Message, e.IsTransient);
        }

        _pumps = _options.Targets.ToDictionary(
            t => t.Name,
            t => new TargetPump(t.Name, t.Settings.Build(_time), _outbox, _clips, _options.Expire, _sink, _time),
            StringComparer.Ordinal);
        _isOpen = true;
        _tasks = [.. _pumps.Values.Select(p => (Func<CancellationToken, Task>)p.RunAsync).Append(TickAsync)
            .Select(work => Task.Run(() => work(_stop.Token), CancellationToken.None))];
    }

    /// <inheritdoc/>
    public ValueTask WriteAsync(StreamRecord record, CancellationToken cancellation)
    {
        if (record is not SoundEvent e)
            return ValueTask.CompletedTask;
        var (now, at) = (_time.GetUtcNow(), e.Stream.TimeAt(e.Onset));
        var onset = at ?? now;
        Enqueue(e.State == EventState.Closed ? NoticeMoment.Closed : NoticeMoment.Opened, e, onset, u => _text.Of(e, onset, u), now);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask FlushAsync(CancellationToken cancellation)
    {
        try
        {
            Flush();
            return ValueTask.CompletedTask;
        }
        catch (StoreException e)
        {
            throw new SinkException(e.Message, e.IsTransient);
        }
    }

    /// <inheritdoc/>
    public async ValueTask CompleteAsync(CancellationToken cancellation)
    {
        try
        {
            Flush();
            Gather(isLast: true);
            var begin = _time.GetTimestamp();
            long left;
            while ((left = _pumps.Keys.Sum(_outbox.Waiting)) > 0 && _time.GetElapsedTime(begin) < s_leave)
                await Task.Delay(TimeSpan.FromMilliseconds(50), _time, cancellation).ConfigureAwait(false);
            if (left > 0)
                _sink?.Note($"{left} notifications could not be delivered yet: they wait for the next run");
        }
        catch (StoreException e)
        {
            throw new SinkException(e.Message, e.IsTransient);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _isOpen = false;
        await _stop.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(_tasks).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // they say themselves what is wrong
        lock (_writing)
        {
            foreach (var pump in _pumps.Values)
                pump.Dispose();
            _pumps = [];
        }

        await _store.DisposeAsync().ConfigureAwait(false);
        _stop.Dispose();
    }

    /// <summary>Takes reviews that the station has taken.</summary>
    internal void Take(IReadOnlyList<Review> reviews)
    {
        if (!_isOpen)
            return; // before the run, or after it: nobody sends
        try
        {
            using var reader = StoreReader.Open(_store.Path);
            foreach (var review in reviews)
            {
                if (reader.Events(new EventQuery { Id = review.EventId }).FirstOrDefault() is { } stored)
                    Enqueue(NoticeMoment.Reviewed, stored.Event, stored.Time, u => _text.Of(review, stored.Event, stored.Time, u),
                        _time.GetUtcNow());
            }

            Flush();
        }
        catch (StoreException e)
        {
            _sink?.Warn($"some reviews are not sent: {e.Message}");
        }
    }

    private void Enqueue(NoticeMoment moment, SoundEvent e, DateTimeOffset onset, Func<Urgency, Notice> notice, DateTimeOffset now)
    {
        lock (_lock)
        {
            Enqueue(_policy.Decide(
                moment, new EventFacts(e.Id, e.Model, e.Label, e.Stream.Id, e.Score, onset), notice, now,
                TimeZoneInfo.ConvertTime(onset, _time.LocalTimeZone).DateTime));
        }
    }

    /// <summary>Under the lock.</summary>
    private void Enqueue(IReadOnlyList<OutboxEntry> entries)
    {
        foreach (var entry in entries)
        {
            var waits = entry.Notice.MayHaveClip && _pumps.GetValueOrDefault(entry.Target)?.WantsClips == true;
            if (_pending.Count < MostPending)
                _pending.Add(entry with { WaitsForClip = waits });
            else
                Drop(entry.Target, 1, "more wait for the store than are kept");
        }
    }

    /// <summary>Brings what is pending into the store.</summary>
    /// <exception cref="StoreException">It failed; nothing is lost.</exception>
    private void Flush()
    {
        lock (_writing)
        {
            List<OutboxEntry> taken;
            lock (_lock)
                taken = [.. _pending];
            if (taken.Count == 0)
                return;
            var full = _outbox.Add(taken, MostWaiting);
            lock (_lock)
                _pending.RemoveRange(0, taken.Count);
            foreach (var target in taken.GroupBy(e => e.Target))
            {
                if (full.Contains(target.Key))
                    Drop(target.Key, target.Count(), $"{MostWaiting} wait for it");
                else
                    _pumps.GetValueOrDefault(target.Key)?.Call();
            }
        }
    }

    private void Drop(string target, long count, string why)
    {
        NoticeMetrics.Settled(target, "dropped", count);
        _sink?.Drop(count, $"{target}: {why}");
    }

    /// <summary>Makes the digests that are due.</summary>
    /// <exception cref="StoreException">It failed; they are made later.</exception>
    private void Gather(bool isLast)
    {
        const int most = 100_000; // that one digest tells of
        lock (_writing)
        {
            IReadOnlyList<(EventRule Rule, string Target)> due;
            lock (_lock)
                due = _policy.DueDigests(_time.GetUtcNow(), isLast);
            foreach (var (rule, target) in due)
            {
                var held = _outbox.Held(rule.Name, target, most);
                if (held.Count > 0)
                    _outbox.Gather(new OutboxEntry(target, rule.Name, "", "", _text.Digest(rule, held), IsHeld: false), held);
                lock (_lock)
                    _policy.Gathered(
                        rule, target, _time.GetUtcNow(),
                        held.Count == most || _pending.Exists(e => e.IsHeld && e.Rule == rule.Name && e.Target == target));
                _pumps.GetValueOrDefault(target)?.Call();
            }
        }
    }

    /// <summary>Does what time brings: digests, looks at the system, care of the outbox. What fails is tried again.</summary>
    private async Task TickAsync(CancellationToken stop)
    {
        var (looked, cared, isFailing) = (0L, _time.GetTimestamp(), false);
        try
        {
            while (true)
            {
                await Task.Delay(s_tick, _time, stop).ConfigureAwait(false);
                try
                {
                    if (_run is { } run && (looked == 0 || _time.GetElapsedTime(looked) >= s_betweenLooks))
                    {
                        looked = _time.GetTimestamp();
                        LookAtSystem(run);
                    }

                    Flush();
                    Gather(isLast: false);
                    foreach (var target in _outbox.Due())
                        _pumps.GetValueOrDefault(target)?.Call();
                    if (_time.GetElapsedTime(cared) >= s_betweenCare)
                    {
                        cared = _time.GetTimestamp();
                        var now = _time.GetUtcNow();
                        _outbox.Expire(now - _options.Expire - s_betweenCare);
                        while (_outbox.Remove(now - s_kept))
                            await Task.Delay(s_tick, _time, stop).ConfigureAwait(false);
                    }

                    isFailing = false;
                }
                catch (Exception e) when (e is not OperationCanceledException)
                {
                    if (!isFailing)
                        _sink?.Warn($"notifications wait: {e.Message}");
                    isFailing = true;
                }
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The run has ended.
        }
    }

    private void LookAtSystem(RunReport run)
    {
        foreach (var (rule, watch) in _watches)
        {
            foreach (var fault in watch.Look(run))
            {
                var notice = _text.Of(fault, rule.Urgency);
                lock (_lock)
                    Enqueue([.. rule.To.Distinct(StringComparer.Ordinal).Select(
                        t => new OutboxEntry(t, rule.Name, "", fault.Subject, notice, IsHeld: false))]);
            }
        }
    }
}
