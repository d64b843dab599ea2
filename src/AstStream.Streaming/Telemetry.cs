using System.Diagnostics.Metrics;

namespace AstStream.Streaming;

/// <summary>
/// The run's metrics, on the meter "AstStream". Names and units are Prometheus's: base units, counters end in _total. docs/metrics.md lists them.
/// </summary>
public sealed class Telemetry : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "AstStream";

    private static readonly InstrumentAdvice<double> s_seconds = new()
    {
        HistogramBucketBoundaries = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60],
    };

    private readonly Meter _meter = new(MeterName);
    private readonly RunReport _report;

    internal Telemetry(RunReport report)
    {
        _report = report;
        _meter.CreateObservableCounter("aststream_blocks_total", () => report.Blocks, "{block}", "Blocks that came from the sources.");
        _meter.CreateObservableCounter("aststream_audio_seconds_total", () => report.AudioSeconds, "s", "Sound that was heard, over all streams.");
        _meter.CreateObservableCounter("aststream_streams_total", () => report.Streams, "{stream}", "Streams that began.");
        _meter.CreateObservableCounter("aststream_coverage_seconds_total", Coverage, "s", "What became of the streams' time: state analysed, gated or lost, with the reason.");
        _meter.CreateObservableGauge(
            "aststream_real_time_factor", () => report.AudioSeconds > 0 ? report.ElapsedSeconds / report.AudioSeconds : 0, "1", "Seconds of the run for a second of sound.");
        Windows = _meter.CreateCounter<long>("aststream_windows_total", "{window}", "Windows that were scored.");
        Batches = _meter.CreateCounter<long>("aststream_batches_total", "{batch}", "Runs of the model.");
        Expired = _meter.CreateCounter<long>("aststream_windows_expired_total", "{window}", "Windows that grew too old to be scored.");
        BatchFill = _meter.CreateHistogram("aststream_batch_fill_ratio", "1", "Windows of a batch by the most that it takes.", tags: null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 0.25, 0.5, 0.75, 0.9, 1] });
        Wait = _meter.CreateHistogram("aststream_window_wait_seconds", "s", "From a window's arrival to the start of its run.", tags: null, s_seconds);
        Inference = _meter.CreateHistogram("aststream_inference_seconds", "s", "One run of the model.", tags: null, s_seconds);
        CaptureToScore = _meter.CreateHistogram("aststream_capture_to_score_seconds", "s", "Live streams: from a window's last sample to its scores.", tags: null, s_seconds);
        CaptureToEvent = _meter.CreateHistogram("aststream_capture_to_event_seconds", "s", "Live streams: from the last sample that decided an event to its sink.", tags: null, s_seconds);
        Events = _meter.CreateCounter<long>("aststream_events_total", "{event}", "Closed events, by label.");
        Failures = _meter.CreateCounter<long>("aststream_stream_failures_total", "{stream}", "Streams that failed, by source.");
        SinkRetries = _meter.CreateCounter<long>("aststream_sink_retries_total", "{write}", "Writes that were tried again, by sink.");
        SinkDrops = _meter.CreateCounter<long>("aststream_sink_dropped_total", "{record}", "Records that a full buffer dropped, by sink.");
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

    internal Counter<long> SinkRetries { get; }

    internal Counter<long> SinkDrops { get; }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    internal void Observe(IReadOnlyList<WindowScheduler> schedulers, Func<IEnumerable<IEdge>> edges)
    {
        _meter.CreateObservableGauge("aststream_streams", () => schedulers.Select(s => new Measurement<long>(s.Streams, Model(s))), "{stream}", "Streams that are open now.");
        _meter.CreateObservableGauge("aststream_overloaded", () => schedulers.Select(s => new Measurement<long>(s.Stretch.IsOverloaded ? 1 : 0, Model(s))), "1", "1 while hops are stretched, or may be.");
        _meter.CreateObservableGauge(
            "aststream_effective_hop_seconds",
            () => schedulers.SelectMany(s => (Measurement<double>[])[new(Seconds(s) * s.Stretch.Mean, Model(s), Tag("stat", "mean")), new(Seconds(s) * s.Stretch.Max, Model(s), Tag("stat", "max"))]),
            "s", "Live streams' hops now: their mean and the longest.");
        _meter.CreateObservableGauge(
            "aststream_queue_depth", () => edges().Select(e => new Measurement<long>(e.Depth, Tag("to", e.To), Tag("message", e.Message))), "{message}", "Messages that wait on an arrow of the graph.");
        _meter.CreateObservableCounter(
            "aststream_queue_waits_total", () => edges().Select(e => new Measurement<long>(e.Waits, Tag("to", e.To), Tag("message", e.Message))), "{wait}", "Times that a writer found an arrow full: its reader is the slower one.");
    }

    private static double Seconds(WindowScheduler scheduler) => scheduler.Window.HopFrames * Dsp.FbankOptions.FrameTime.TotalSeconds;

    private static KeyValuePair<string, object?> Model(WindowScheduler scheduler) => Tag("model", scheduler.Model);

    private static KeyValuePair<string, object?> Tag(string name, string value) => new(name, value);

    private IEnumerable<Measurement<double>> Coverage()
    {
        foreach (var (model, totals) in _report.CoverageByModel)
        {
            yield return new(Dsp.FbankOptions.Seconds(totals.Analysed), Tag("model", model), Tag("state", "analysed"), Tag("reason", "none"));
            yield return new(Dsp.FbankOptions.Seconds(totals.Gated), Tag("model", model), Tag("state", "gated"), Tag("reason", "none"));
            foreach (var reason in Enum.GetValues<LossReason>().Where(r => r != LossReason.None))
                yield return new(Dsp.FbankOptions.Seconds(totals.LostTo(reason)), Tag("model", model), Tag("state", "lost"), Tag("reason", reason.SnakeCase()));
        }
    }
}
