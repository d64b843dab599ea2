using System.Diagnostics.Metrics;
using AstStream.Events;
using AstStream.Streaming.Graph;

namespace AstStream.Streaming.Telemetry;

/// <summary>
/// The run's metrics, on the meter "AstStream". Names and units are Prometheus's: base units, counters end in _total. Numbers without a
/// unit have none: the usual translation makes a unit of 1 a part of a gauge's name. docs/metrics.md lists them.
/// </summary>
public sealed class RunMetrics : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "AstStream";

    private static readonly InstrumentAdvice<double> s_seconds = new()
    {
        HistogramBucketBoundaries = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60],
    };

    private readonly Meter _meter = new(MeterName);
    private readonly RunReport _report;

    internal RunMetrics(RunReport report)
    {
        _report = report;
        _meter.CreateObservableCounter("aststream_blocks_total", () => report.Blocks, "{block}", "Blocks that came from the sources.");
        _meter.CreateObservableCounter(
            "aststream_audio_seconds_total", () => report.AudioSeconds, "s", "Sound that was heard, over all streams.");
        _meter.CreateObservableCounter("aststream_streams_total", () => report.Streams, "{stream}", "Streams that began.");
        _meter.CreateObservableCounter(
            "aststream_coverage_seconds_total", Coverage, "s",
            "What became of the streams' time: state analysed, gated or lost, with the reason.");
        _meter.CreateObservableGauge(
            "aststream_real_time_factor", () => report.AudioSeconds > 0 ? report.ElapsedSeconds / report.AudioSeconds : 0, unit: null,
                "Seconds of the run for a second of sound.");
        Windows = _meter.CreateCounter<long>("aststream_windows_total", "{window}", "Windows that were scored.");
        Batches = _meter.CreateCounter<long>("aststream_batches_total", "{batch}", "Runs of the model.");
        Expired = _meter.CreateCounter<long>("aststream_windows_expired_total", "{window}", "Windows that grew too old to be scored.");
        BatchFill = _meter.CreateHistogram("aststream_batch_fill_ratio", unit: null, "Windows of a batch by the most that it takes.",
            tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 0.25, 0.5, 0.75, 0.9, 1] });
        Wait = _meter.CreateHistogram(
            "aststream_window_wait_seconds", "s", "From a window's arrival to the start of its run.", tags: null, s_seconds);
        Inference = _meter.CreateHistogram("aststream_inference_seconds", "s", "One run of the model.", tags: null, s_seconds);
        CaptureToScore = _meter.CreateHistogram(
            "aststream_capture_to_score_seconds", "s", "Live streams: from a window's last sample to its scores.", tags: null, s_seconds);
        CaptureToEvent = _meter.CreateHistogram(
            "aststream_capture_to_event_seconds", "s", "Live streams: from the last sample that decided an event to its sink.", tags: null,
            s_seconds);
        Events = _meter.CreateCounter<long>("aststream_events_total", "{event}", "Closed events, by label.");
        Failures = _meter.CreateCounter<long>("aststream_stream_failures_total", "{stream}", "Streams that failed, by source.");
        SourceChanges = _meter.CreateCounter<long>(
            "aststream_source_changes_total", "{change}", "Changes of a live source's state, by the state that it came to.");
        Health("aststream_source_state", null, "1 for the state that a live source is in, 0 for the others.", h => States(h));
        Health("aststream_source_since_last_block_seconds", "s", "Live sources: time since sound last came.",
            h => [Of(h, h.SinceLastBlock)]);
        Health("aststream_source_level_dbfs", null, "Live sources: level over the last second: stat rms or peak.", h =>
            h.Meter is { } m ? [Of(h, m.RmsDb, "stat", "rms"), Of(h, m.PeakDb, "stat", "peak")] : []);
        Health("aststream_source_dc_offset", null, "Live sources: mean of the samples over the last second, -1 to 1.", h =>
            h.Meter is { } m ? [Of(h, m.DcOffset)] : []);
        Health("aststream_source_drift_ppm", null, "Live sources: how much faster their clock runs than this machine's, in parts per "
            + "million.", h => double.IsNaN(h.DriftPpm) ? [] : [Of(h, h.DriftPpm)]);
        Totals("aststream_source_clipped_samples_total", "{sample}", "Live sources: samples at full scale.",
            h => h.Meter?.ClippedSamples ?? 0);
        Totals("aststream_source_reconnects_total", "{reconnect}", "Live sources: times that they were opened again.", h => h.Reconnects);
        Totals("aststream_source_overruns_total", "{overrun}", "Live sources: times that the device said it had lost samples.",
            h => h.Overruns);
        _meter.CreateObservableGauge(
            "aststream_sink_out", () => report.Sinks.Select(
                s => new Measurement<int>(s.Value == SinkState.Out ? 1 : 0, Tag("sink", s.Key))), unit: null,
                "1 while a sink is out: it could not write for longer than it is tried, and records for it are dropped.");
        _meter.CreateObservableGauge(
            "aststream_call_seconds", () => HangGuard.UnderWay.Select(c => new Measurement<double>(c.Seconds, Tag("call", c.What))), "s",
                "Calls of libraries that are under way and could hang, and how long each has taken.");
        SessionFailures = _meter.CreateCounter<long>(
            "aststream_session_failures_total", "{failure}", "Times that a session of a model failed, by model and session.");
        _meter.CreateObservableGauge(
            "aststream_session_windows_per_second", () => report.Sessions.Select(s => new Measurement<double>(
                s.Value.WindowsPerSecond, Tag("model", s.Value.Model), Tag("session", s.Key), Tag("provider", s.Value.Provider),
                Tag("precision", s.Value.Precision))), unit: null,
                "What a session reached at its start, and what it runs on.");
        _meter.CreateObservableGauge(
            "aststream_session_fallback", () => report.Sessions.Select(s => new Measurement<int>(
                s.Value.IsFallback ? 1 : 0, Tag("model", s.Value.Model), Tag("session", s.Key))), unit: null,
                "1 while a session runs on a fallback, as what was asked for failed.");
        SinkRetries = _meter.CreateCounter<long>("aststream_sink_retries_total", "{write}", "Writes that were tried again, by sink.");
        SinkDrops = _meter.CreateCounter<long>("aststream_sink_dropped_total", "{record}",
            "Records that a sink missed: its buffer was full, it was out, or nobody read the console, by sink.");
    }

    internal Counter<long> Windows { get; }

    internal Counter<long> Batches { get; }

    internal Counter<long> Expired { get; }

    internal Histogram<double> BatchFill { get; }

    internal Histogram<double> Wait { get; }

    internal Histogram<double> Inference { get; }

    internal Histogram<double> CaptureToScore { get; }

    internal Histogram<double> CaptureToEvent { get; }

    internal Counter<long> Events { get; }

    internal Counter<long> Failures { get; }

    internal Counter<long> SourceChanges { get; }

    internal Counter<long> SessionFailures { get; }

    internal Counter<long> SinkRetries { get; }

    internal Counter<long> SinkDrops { get; }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    internal void Observe(Func<IEnumerable<IModelLoad>> schedulers, Func<IEnumerable<IEdge>> edges)
    {
        _meter.CreateObservableGauge(
            "aststream_streams_open", () => schedulers().Select(s => new Measurement<long>(s.Streams, Model(s))), "{stream}",
            "Streams that are open now.");
        _meter.CreateObservableGauge("aststream_overloaded", () => schedulers().Select(
            s => new Measurement<long>(s.Stretch.IsOverloaded ? 1 : 0, Model(s))), unit: null, "1 while hops are stretched, or may be.");
        _meter.CreateObservableGauge(
            "aststream_effective_hop_seconds",
            () => schedulers().SelectMany(
                s => (Measurement<double>[])[new(s.HopSeconds * s.Stretch.Mean, Model(s), Tag("stat", "mean")),
                new(s.HopSeconds * s.Stretch.Max, Model(s), Tag("stat", "max"))]),
            "s", "Live streams' hops now: their mean and the longest.");
        _meter.CreateObservableGauge(
            "aststream_queue_depth", () => edges().Select(e => new Measurement<long>(e.Depth, Tag("to", e.To), Tag("message", e.Message))),
                "{message}", "Messages that wait on an arrow of the graph.");
        _meter.CreateObservableCounter(
            "aststream_queue_waits_total",
                () => edges().Select(e => new Measurement<long>(e.Waits, Tag("to", e.To), Tag("message", e.Message))), "{wait}",
                "Times that a writer found an arrow full: its reader is the slower one.");
    }

    private void Health(string name, string? unit, string description, Func<SourceHealth, IEnumerable<Measurement<double>>> read) =>
        _meter.CreateObservableGauge(name, () => _report.Health.SelectMany(read), unit, description);

    private void Totals(string name, string unit, string description, Func<SourceHealth, long> read) =>
        _meter.CreateObservableCounter(
            name, () => _report.Health.Select(h => new Measurement<long>(read(h), Tag("source", h.Source), Tag("stream", h.Stream))), unit,
            description);

    private static IEnumerable<Measurement<double>> States(SourceHealth health) =>
        Enum.GetValues<SourceState>().Select(s => Of(health, s == health.State ? 1 : 0, "state", s.SnakeCase()));

    private static Measurement<double> Of(SourceHealth health, double value) =>
        new(value, Tag("source", health.Source), Tag("stream", health.Stream));

    private static Measurement<double> Of(SourceHealth health, double value, string tag, string text) =>
        new(value, Tag("source", health.Source), Tag("stream", health.Stream), Tag(tag, text));

    private static KeyValuePair<string, object?> Model(IModelLoad scheduler) => Tag("model", scheduler.Model);

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);

    private IEnumerable<Measurement<double>> Coverage()
    {
        foreach (var (model, totals) in _report.CoverageByModel)
        {
            yield return new(ModelTime.Seconds(totals.Analysed), Tag("model", model), Tag("state", "analysed"), Tag("reason", "none"));
            yield return new(ModelTime.Seconds(totals.Gated), Tag("model", model), Tag("state", "gated"), Tag("reason", "none"));
            foreach (var reason in Enum.GetValues<LossReason>().Where(r => r != LossReason.None))
                yield return new(
                    ModelTime.Seconds(totals.LostTo(reason)), Tag("model", model), Tag("state", "lost"), Tag("reason", reason.SnakeCase()));
        }
    }
}
