using System.Diagnostics.Metrics;
using AstStream.Station.Clips;
using AstStream.Streaming.Telemetry;

namespace AstStream.Station;

/// <summary>What is measured of stations, on the meter of the run; docs/metrics.md lists it.</summary>
internal static class StationMetrics
{
    private static readonly Meter s_meter = new(RunMetrics.MeterName);
    private static volatile Func<(ClipCounts Counts, long Memory, long Bytes, int Viewers)>? s_read;

    static StationMetrics()
    {
        s_meter.CreateObservableCounter("aststream_clips_total", Results, "{clip}",
            "Clips by what became of them: written, removed, or for an event without one the reason.");
        Gauge("aststream_clip_memory_bytes", "Memory that holds the last sound of all streams.", r => r.Memory);
        Gauge("aststream_clip_bytes", "What all clips take on the disk.", r => r.Bytes);
        s_meter.CreateObservableGauge(
            "aststream_viewers", () => s_read?.Invoke() is { } r ? [new Measurement<int>(r.Viewers)] : (IEnumerable<Measurement<int>>)[],
            unit: null, "Viewers of the page that follow events now.");
    }

    /// <summary>From now on tells of a station.</summary>
    public static void Observe(Func<(ClipCounts Counts, long Memory, long Bytes, int Viewers)> read) => s_read = read;

    private static void Gauge(string name, string doc, Func<(ClipCounts Counts, long Memory, long Bytes, int Viewers), long> value) =>
        s_meter.CreateObservableGauge(
            name, () => s_read?.Invoke() is { } r ? [new Measurement<long>(value(r))] : (IEnumerable<Measurement<long>>)[], "By", doc);

    private static IEnumerable<Measurement<long>> Results()
    {
        if (s_read?.Invoke() is not { } read)
            yield break;
        yield return Of(read.Counts.Written, "written");
        yield return Of(read.Counts.Removed, "removed");
        yield return Of(read.Counts.Skipped(ClipSkip.SoundGone), "sound_gone");
        yield return Of(read.Counts.Skipped(ClipSkip.Busy), "busy");
        yield return Of(read.Counts.Skipped(ClipSkip.DiskFull), "disk_full");
        yield return Of(read.Counts.Skipped(ClipSkip.Failed), "failed");
    }

    private static Measurement<long> Of(long clips, string result) => new(clips, new KeyValuePair<string, object?>("result", result));
}
