using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using AstStream.Events;
using AstStream.Events.Decoding;
using AstStream.Streaming.Decoding;
using AstStream.Streaming.FrontEnd;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Scheduling;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;

namespace AstStream.LoadTest;

/// <summary>The engine as a pipeline builds it, between a source and a session of the test's choosing; and what it did.</summary>
internal sealed class Engine : IDisposable
{
    public const int Labels = 527; // AudioSet's

    /// <summary>Names for them.</summary>
    public static IReadOnlyList<string> NamesOf(int labels) => [.. Enumerable.Range(0, labels).Select(i => $"class {i}")];
    private const int MelBins = 128;

    private readonly RunReport _report = new();
    private readonly Sink _sink;
    private readonly LatencyMeter _latency = new("aststream_capture_to_score_seconds");
    private readonly LatencyMeter _wait = new("aststream_window_wait_seconds");
    private readonly LatencyMeter _inference = new("aststream_inference_seconds");
    private readonly DataflowGraph _graph;
    private readonly IAudioSource _source;

    public Engine(
        IAudioSource source, Func<IModelSession> session, WindowOptions window, BatchOptions batching, int lanes = 2, int labels = Labels,
        float[]? thresholds = null, Func<StreamInfo, IStreamObserver?>? observe = null, ISink? sink = null)
    {
        (_source, _sink) = (source, new Sink(sink));
        var time = TimeProvider.System;
        Scheduler = new WindowScheduler("m", window, batching, time, _report);
        var records = new Edge<StreamRecord>("sink", new SinkOptions().Buffer);
        var nodes = new List<Node>();
        var inputs = Enumerable.Range(0, lanes)
            .Select(i => new LaneInput(new Edge<AudioBlock>($"lane {i}", source.IsLive ? 16384 : 8), time)).ToArray();
        var next = -1;
        var output = new SourceOutput(
            "source", _ => inputs[(uint)Interlocked.Increment(ref next) % lanes], source.IsLive, 0, 1, time, _report);
        var sourceNode = new SourceNode("source", source.Description, source, output, _report, Stop.Token);
        nodes.Add(sourceNode);
        foreach (var edge in inputs.Select(i => i.Edge))
        {
            sourceNode.WritesTo(edge);
            nodes.Add(new LaneNode(edge.To, edge, [Scheduler], source.IsLive, _report, observe: observe));
        }

        nodes.Add(new SessionNode("m", Scheduler, _ => Session = session(), "session", time, _report));
        thresholds ??= [.. Enumerable.Repeat(2f, labels)]; // no event at all
        var events = new EventOptions
        {
            Thresholds = thresholds,
            ReleaseThresholds = [.. thresholds.Select(t => 0.8f * t)],
            MedianWindows = 3,
            HopLength = window.HopFrames * 160L
        };
        nodes.Add(new DecodeNode(
            "events", Scheduler,
            new DecodeOptions(new Vocabulary(NamesOf(labels)), events, "x"),
            records, _report));
        nodes.Add(new SinkNode("sink", records, _sink, new SinkOptions { Coverage = true }, time, _report));
        _graph = new DataflowGraph(nodes);
    }

    public WindowScheduler Scheduler { get; }

    public IModelSession? Session { get; private set; }

    public RunReport Report => _report;

    public LatencyMeter Latency => _latency;

    /// <summary>Milliseconds.</summary>
    public double MeanRun => _inference.Mean;

    /// <summary>Forgets the latencies so far.</summary>
    public void ResetLatencies()
    {
        foreach (var meter in (LatencyMeter[])[_latency, _wait, _inference])
            meter.Reset();
    }

    public string Latencies() => $"last sample to scores {_latency}; of it waiting for a run {_wait}; a run {_inference}";


    public CancellationTokenSource Stop { get; } = new();

    /// <summary>Coverage records of each stream, in the order in which they came.</summary>
    public IReadOnlyDictionary<string, List<CoverageInterval>> Coverage => _sink.Coverage;

    /// <summary>Closed events.</summary>
    public IReadOnlyList<SoundEvent> Events => _sink.Events;

    public static WindowOptions Window(int windowFrames, int hopFrames) => new(windowFrames, hopFrames, MelBins);

    public Task RunAsync() => _graph.RunAsync(CancellationToken.None);

    /// <summary>
    /// Runs to the end; returns the windows a second from a second after the start on, for a time that ends before the source does.
    /// </summary>
    public async Task<double> ThroughputAsync(double seconds)
    {
        var running = _graph.RunAsync(CancellationToken.None);
        await Task.Delay(1000);
        var (clock, before) = (Stopwatch.StartNew(), _report.Windows);
        await Task.Delay(TimeSpan.FromSeconds(seconds));
        var rate = (_report.Windows - before) / clock.Elapsed.TotalSeconds;
        await running;
        return rate;
    }

    /// <summary>Checks that each stream's records cover it without hole or overlap, and that they add up to the totals.</summary>
    public string Ledger()
    {
        long sum = 0;
        foreach (var (stream, intervals) in Coverage)
        {
            long end = 0;
            foreach (var interval in intervals)
            {
                if (interval.Start != end)
                    return $"NOT EXACT: {stream} has a record from {interval.Start} after one to {end}";
                end = interval.End;
            }

            sum += end;
        }

        var totals = _report.CoverageByModel["m"];
        return sum == totals.Total ? "exact" : $"NOT EXACT: records {sum}, totals {totals.Total}";
    }

    public string Summary()
    {
        var totals = _report.CoverageByModel.TryGetValue("m", out var t) ? t : new CoverageTotals();
        var whole = Math.Max(1, totals.Total);
        string Share(long samples) => (100.0 * samples / whole).ToString("0.###", CultureInfo.InvariantCulture) + " %";
        var reasons = string.Join(", ", Enum.GetValues<LossReason>().Where(r => totals.LostTo(r) > 0).Select(
            r => $"{r.SnakeCase()} {Share(totals.LostTo(r))}"));
        var batch = (double)_report.Windows / Math.Max(1, _report.Batches);
        var late = _source is LiveStreams live ? $"; generator late by at most {Math.Round(live.Lateness * 1000)} ms" : "";
        return string.Create(CultureInfo.InvariantCulture, $"""
            streams {_report.Streams}, blocks {_report.Blocks}, windows {_report.Windows} in {_report.Batches} batches ({batch:0.0} a batch)
            coverage: analysed {Share(totals.Analysed)}, lost {Share(totals.Lost)} ({reasons}); ledger {Ledger()}
            pooled objects out: {PoolCounters.Outstanding}{late}
            """);
    }

    public void Dispose()
    {
        _latency.Dispose();
        _wait.Dispose();
        _inference.Dispose();
        _report.Dispose();
        Stop.Dispose();
    }

    /// <summary>Counts, and hands on to another one.</summary>
    private sealed class Sink(ISink? next) : ISink
    {
        public Dictionary<string, List<CoverageInterval>> Coverage { get; } = new(StringComparer.Ordinal);

        public List<SoundEvent> Events { get; } = [];

        public string Description => "counts";

        public ValueTask OpenAsync(CancellationToken cancellation) =>
            next?.OpenAsync(cancellation) ?? ValueTask.CompletedTask;

        public ValueTask WriteAsync(StreamRecord record, CancellationToken cancellation)
        {
            if (record is SoundEvent { State: EventState.Closed } e)
                Events.Add(e);
            if (record is CoverageInterval interval)
                (Coverage.TryGetValue(interval.Stream.Id, out var list) ? list : Coverage[interval.Stream.Id] = []).Add(interval);
            return next?.WriteAsync(record, cancellation) ?? ValueTask.CompletedTask;
        }

        public ValueTask FlushAsync(CancellationToken cancellation) =>
            next?.FlushAsync(cancellation) ?? ValueTask.CompletedTask;

        public ValueTask CompleteAsync(CancellationToken cancellation) =>
            next?.CompleteAsync(cancellation) ?? ValueTask.CompletedTask;

        public ValueTask DisposeAsync() => next?.DisposeAsync() ?? ValueTask.CompletedTask;
    }
}

/// <summary>The run's latencies, from one of its own metrics, to a millisecond.</summary>
internal sealed class LatencyMeter : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly long[] _counts = new long[120_000]; // by milliseconds
    private double _sum;

    public LatencyMeter(string instrumentName)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Name == instrumentName)
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<double>((_, value, _, _) =>
        {
            Interlocked.Increment(ref _counts[Math.Clamp((int)(value * 1000), 0, _counts.Length - 1)]);
            _sum += value; // of one thread, where it is read
        });
        _listener.Start();
    }

    public void Reset() => Array.Clear(_counts);

    public double Mean => _sum * 1000 / Math.Max(1, _counts.Sum());

    public double Percentile(double share)
    {
        var total = _counts.Sum();
        long seen = 0;
        for (var i = 0; i < _counts.Length; i++)
        {
            seen += _counts[i];
            if (total > 0 && seen >= total * share)
                return i + 1;
        }

        return 0;
    }

    public override string ToString() =>
        $"p50 {Percentile(0.5)} ms, p95 {Percentile(0.95)} ms, p99 {Percentile(0.99)} ms, max {Percentile(1)} ms";

    public void Dispose() => _listener.Dispose();
}

/// <summary>The process's own use of processor and memory between two looks.</summary>
internal sealed class Usage
{
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly TimeSpan _cpu = Process.GetCurrentProcess().TotalProcessorTime;
    private readonly TimeSpan _paused = GC.GetTotalPauseDuration();
    private readonly long _allocated = GC.GetTotalAllocatedBytes();

    /// <summary>Resident memory now, in megabytes.</summary>
    public static double Resident => Process.GetCurrentProcess().WorkingSet64 / 1e6;

    public double Seconds => _clock.Elapsed.TotalSeconds;

    public double CpuCores => (Process.GetCurrentProcess().TotalProcessorTime - _cpu) / _clock.Elapsed;

    public double AllocatedMegabytesASecond => (GC.GetTotalAllocatedBytes() - _allocated) / 1e6 / _clock.Elapsed.TotalSeconds;

    /// <summary>What each of so many things cost.</summary>
    public string Of(int count, string what)
    {
        var seconds = Seconds;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{count / seconds:0} {what}s/s, {CpuCores:0.00} cores, {CpuCores * seconds / count * 1e6:0.0} µs of processor and "
                + $"{(GC.GetTotalAllocatedBytes() - _allocated) / count} bytes allocated for each {what}");
    }

    public override string ToString() =>
        string.Create(
        CultureInfo.InvariantCulture,
        $"CPU {CpuCores:0.00} cores, allocated {AllocatedMegabytesASecond:0.00} MB/s, resident {Resident:0} MB, GC paused "
            + $"{(GC.GetTotalPauseDuration() - _paused).TotalMilliseconds:0} ms");
}
