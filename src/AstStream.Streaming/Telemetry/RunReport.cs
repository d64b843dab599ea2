using System.Collections.Concurrent;
using AstStream.Events;
using AstStream.Streaming.Clocks;
using AstStream.Streaming.Graph;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace AstStream.Streaming.Telemetry;

/// <summary>
/// What a run did: counted while it runs, told as it happens (logs, metrics), read at its end. Safe for all nodes at once.
/// </summary>
public sealed class RunReport : IDisposable
{
    private const int MostErrors = 10_000; // that are kept; all are logged and counted

    private static readonly TimeSpan s_between = TimeSpan.FromMinutes(1); // log lines of one kind that may come often

    private readonly ConcurrentDictionary<string, long> _events = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, CoverageTotals> _coverage = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<StreamError> _errors = new();
    private readonly ConcurrentQueue<StreamError> _sinkErrors = new();
    private readonly ConcurrentDictionary<string, long> _dropped = new(StringComparer.Ordinal); // records, by sink
    private readonly ConcurrentDictionary<string, SinkState> _sinks = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, object?> _sinkNodes = new(StringComparer.Ordinal); // whose the states are
    private readonly ConcurrentDictionary<string, SessionState> _sessions = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<SourceHealth, bool> _health = new();
    private readonly ConcurrentDictionary<string, long> _lastTold = new(StringComparer.Ordinal);
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly RunMetrics _metrics;
    private readonly long _start;
    private long _samples;
    private long _blocks;
    private long _windows;
    private long _batches;
    private long _streams;
    private long _sinkTries; // that failed
    private volatile bool _hasLive;

    /// <summary>Makes a report.</summary>
    /// <param name="log">Where lines go; nowhere by default.</param>
    /// <param name="time">The clock; the system's by default.</param>
    public RunReport(ILogger? log = null, TimeProvider? time = null)
    {
        _log = log ?? NullLogger.Instance;
        _time = time ?? TimeProvider.System;
        _start = _time.GetTimestamp();
        _metrics = new RunMetrics(this);
        Clock = new WallClock(onStep: step => _log.ClockSet(step.TotalSeconds));
    }

    /// <summary>The time of day, followed when it is set.</summary>
    public WallClock Clock { get; }

    /// <summary>What the sessions run as: provider, precision, attention, batch sizes, parity error; one text each.</summary>
    public IReadOnlyList<string> Models =>
        [.. _sessions.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => s.Value.Description)];

    /// <summary>The sessions by their names.</summary>
    internal IEnumerable<KeyValuePair<string, SessionState>> Sessions => _sessions;

    /// <summary>Seconds of sound that were heard.</summary>
    public double AudioSeconds => ModelTime.Seconds(Interlocked.Read(ref _samples));

    /// <summary>Blocks that came from the sources.</summary>
    public long Blocks => Interlocked.Read(ref _blocks);

    /// <summary>Windows that were scored.</summary>
    public long Windows => Interlocked.Read(ref _windows);

    /// <summary>Runs of the models.</summary>
    public long Batches => Interlocked.Read(ref _batches);

    /// <summary>Streams that began.</summary>
    public long Streams => Interlocked.Read(ref _streams);

    /// <summary>Seconds since the run began.</summary>
    public double ElapsedSeconds => _time.GetElapsedTime(_start).TotalSeconds;

    /// <summary>Closed events by label, most first.</summary>
    public IReadOnlyList<KeyValuePair<string, long>> Events =>
        [.. _events.OrderByDescending(e => e.Value).ThenBy(e => e.Key, StringComparer.Ordinal)];

    /// <summary>Streams that failed, and why.</summary>
    public IReadOnlyCollection<StreamError> Errors => _errors;

    /// <summary>Sinks that were out for a while, or at the end, and why. The other sinks have everything.</summary>
    public IReadOnlyCollection<StreamError> SinkErrors => _sinkErrors;

    /// <summary>Records that sinks have missed, by sink; those that missed none are left out.</summary>
    public IReadOnlyDictionary<string, long> DroppedBySink => _dropped;

    /// <summary>The sinks, and how each does. Records for one that is out are dropped.</summary>
    public IReadOnlyDictionary<string, SinkState> Sinks => _sinks;

    /// <summary>Whether a live source was heard.</summary>
    public bool HasLive => _hasLive;

    /// <summary>What became of the streams' time, by model.</summary>
    public IReadOnlyDictionary<string, CoverageTotals> CoverageByModel => _coverage;

    /// <summary>How the live sources do.</summary>
    public IEnumerable<SourceHealth> Health => _health.Keys;

    /// <summary>A stream, or one that could not even begin, failed; the others go on.</summary>
    public void Fail(string source, string message)
    {
        message = WithoutName(source, message);
        if (_errors.Count < MostErrors)
            _errors.Enqueue(new StreamError(source, message));
        _metrics.Failures.Add(1, new KeyValuePair<string, object?>("source", source));
        _log.Failed(source, message);
    }

    /// <summary>Something about a stream is odd, and it was used all the same.</summary>
    public void Warn(string source, string message) => _log.Odd(source, WithoutName(source, message));

    /// <summary>Something about a source that is worth knowing, and well.</summary>
    public void Note(string source, string message) => _log.Noted(source, WithoutName(source, message));

    /// <summary>Ends the metrics.</summary>
    public void Dispose()
    {
        _metrics.Dispose();
        Clock.Dispose();
    }

    internal SourceHealth Watch(string source, string stream)
    {
        _hasLive = true;
        var health = new SourceHealth(source, stream, _time, this);
        foreach (var former in _health.Keys.Where(h => h.Source == source && h.Stream == stream))
            _health.TryRemove(former, out _);
        _health[health] = true;
        return health;
    }

    /// <summary>A source is over; one that failed is still shown.</summary>
    internal void Unwatch(SourceHealth health)
    {
        if (health.State != SourceState.Failed)
            _health.TryRemove(health, out _);
    }

    internal void SourceChanges(SourceHealth health, SourceState before, SourceState after, string why)
    {
        var name = after.SnakeCase();
        _metrics.SourceChanges.Add(
            1, new KeyValuePair<string, object?>("source", health.Source), new KeyValuePair<string, object?>("state", name));
        var level = after switch
        {
            SourceState.Failed => LogLevel.Error,
            SourceState.Running when before == SourceState.Starting => LogLevel.Debug, // the usual start is no news
            SourceState.Running => LogLevel.Information,
            _ => LogLevel.Warning,
        };
        if (_log.IsEnabled(level))
            _log.SourceState(level, health.Stream, name, why);
    }

    /// <summary>It is as it was, for another cause.</summary>
    internal void SourceStays(SourceHealth health, SourceState state, string why)
    {
        if (IsTime("cause " + health.Stream) && _log.IsEnabled(LogLevel.Warning))
            _log.SourceState(LogLevel.Warning, health.Stream, state.SnakeCase(), why);
    }

    internal CoverageTotals Coverage(string model) => _coverage.GetOrAdd(model, static _ => new CoverageTotals());

    /// <summary>Lets gauges be read from the schedulers and edges of a run.</summary>
    internal void Observe(Func<IEnumerable<IModelLoad>> schedulers, Func<IEnumerable<IEdge>> edges) => _metrics.Observe(schedulers, edges);

    /// <summary>A session was opened: the first time, or after a failure.</summary>
    internal void SessionOpens(string session, SessionState state)
    {
        _sessions[session] = state;
        _log.SessionOpens(session, state.Description);
    }

    /// <summary>A session has ended: another model's has taken its place.</summary>
    internal void SessionEnds(string session) => _sessions.TryRemove(session, out _);

    internal void AddBlock() => Interlocked.Increment(ref _blocks);

    internal void AddSamples(long samples) => Interlocked.Add(ref _samples, samples);

    internal void AddStream() => Interlocked.Increment(ref _streams);

    internal void AddBatch(string model, int windows, int maxBatch, TimeSpan took)
    {
        Interlocked.Increment(ref _batches);
        Interlocked.Add(ref _windows, windows);
        var tag = new KeyValuePair<string, object?>("model", model);
        _metrics.Batches.Add(1, tag);
        _metrics.Windows.Add(windows, tag);
        _metrics.BatchFill.Record((double)windows / maxBatch, tag);
        _metrics.Inference.Record(took.TotalSeconds, tag);
    }

    internal void Waited(string model, TimeSpan wait) =>
        _metrics.Wait.Record(wait.TotalSeconds, new KeyValuePair<string, object?>("model", model));

    internal void Scored(string model, TimeSpan latency) =>
        _metrics.CaptureToScore.Record(latency.TotalSeconds, new KeyValuePair<string, object?>("model", model));

    internal void Published(string model, TimeSpan latency) =>
        _metrics.CaptureToEvent.Record(latency.TotalSeconds, new KeyValuePair<string, object?>("model", model));

    internal void Expired(string model)
    {
        _metrics.Expired.Add(1, new KeyValuePair<string, object?>("model", model));
        if (IsTime("expired " + model))
            Later(() => _log.Expired(model));
    }

    internal void AddEvent(string model, string label)
    {
        _events.AddOrUpdate(label, 1, static (_, n) => n + 1);
        _metrics.Events.Add(1, new KeyValuePair<string, object?>("model", model), new KeyValuePair<string, object?>("label", label));
    }

    internal void Overload(string model, bool begins, int streams)
    {
        if (begins)
            Later(() => _log.OverloadBegins(model, streams));
        else
            Later(() => _log.OverloadEnds(model));
    }

    /// <summary>A line that is written from within a lock: whoever reads it must not hold that up.</summary>
    private static void Later(Action tell) => ThreadPool.QueueUserWorkItem(static t => t(), tell, preferLocal: false);

    internal void SinkFails(string sink, string message, TimeSpan retryFor, object? node = null)
    {
        Become(sink, SinkState.Failing, node);
        _log.SinkFails(sink, WithoutName(sink, message), retryFor.TotalSeconds);
    }

    /// <summary>Writes of sinks that failed and were tried again, and looks of those that wait.</summary>
    internal long SinkTries => Interlocked.Read(ref _sinkTries);

    internal void SinkRetries(string sink)
    {
        Interlocked.Increment(ref _sinkTries);
        _metrics.SinkRetries.Add(1, new KeyValuePair<string, object?>("sink", sink));
    }

    /// <summary>A sink waits for somebody who is away.</summary>
    internal void SinkWaits() => Interlocked.Increment(ref _sinkTries);

    /// <summary>A sink begins, and is not out; another one of its name says nothing of its state any more.</summary>
    internal void SinkBegins(string sink, object? node = null)
    {
        _sinkNodes[sink] = node;
        _sinks[sink] = SinkState.Well;
    }

    /// <summary>A sink has ended.</summary>
    internal void SinkEnds(string sink, object node)
    {
        if (_sinkNodes.TryRemove(KeyValuePair.Create<string, object?>(sink, node)))
            _sinks.TryRemove(sink, out _);
    }

    private void Become(string sink, SinkState state, object? node)
    {
        if (!_sinkNodes.TryGetValue(sink, out var current) || current == node)
            _sinks[sink] = state;
    }

    /// <summary>A sink is out: the others go on without it.</summary>
    internal void SinkIsOut(string sink, string message, object? node = null)
    {
        message = WithoutName(sink, message);
        Become(sink, SinkState.Out, node);
        if (_sinkErrors.Count < MostErrors)
            _sinkErrors.Enqueue(new StreamError(sink, message));
        _log.SinkIsOut(sink, message);
    }

    internal void SinkRecovers(string sink, long missed, object? node = null)
    {
        Become(sink, SinkState.Well, node);
        if (missed > 0)
            _log.SinkIsBack(sink, missed);
        else
            _log.SinkRecovers(sink);
    }

    /// <summary>A sink misses records, as its buffer is full, or for another reason.</summary>
    internal void SinkDrops(string sink, long records = 1, bool isTold = true, string? why = null)
    {
        _dropped.AddOrUpdate(sink, records, (_, n) => n + records);
        _metrics.SinkDrops.Add(records, new KeyValuePair<string, object?>("sink", sink));
        if (isTold && IsTime("drops " + sink))
            _log.SinkDrops(sink, why ?? "its buffer is full");
    }

    /// <summary>A session failed; its windows are somebody else's, or wait.</summary>
    internal void SessionFails(string session, string model, string message)
    {
        _metrics.SessionFailures.Add(
            1, new KeyValuePair<string, object?>("model", model), new KeyValuePair<string, object?>("session", session));
        _log.SessionFails(session, WithoutName(session, message));
    }

    internal void SessionRecovers(string session) => _log.SessionRecovers(session);

    /// <summary>A batch failed, and was scored in smaller ones.</summary>
    internal void BatchSplits(string session, int windows, string message)
    {
        if (IsTime("batch " + session))
            _log.BatchSplits(session, windows, WithoutName(session, message));
    }

    /// <summary>An edited definition was taken over.</summary>
    public void Reloaded(string file, string changes) => _log.Reloaded(file, changes);

    /// <summary>An edited definition was refused.</summary>
    public void ReloadRefused(string problem) => _log.ReloadRefused(problem);

    /// <summary>A message that begins with the name that is put before it anyway, without that.</summary>
    private static string WithoutName(
        string name, string message) => message.StartsWith(name + ": ", StringComparison.Ordinal) ? message[(name.Length + 2)..] : message;

    /// <summary>Whether a line of a kind was not told in the last minute.</summary>
    private bool IsTime(string kind)
    {
        var now = _time.GetTimestamp();
        if (_lastTold.TryGetValue(kind, out var last) && _time.GetElapsedTime(last, now) < s_between)
            return false;
        _lastTold[kind] = now;
        return true;
    }
}
