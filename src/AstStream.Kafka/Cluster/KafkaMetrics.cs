using System.Diagnostics.Metrics;
using AstStream.Streaming.Telemetry;
using Confluent.Kafka;

namespace AstStream.Kafka.Cluster;

/// <summary>What is measured of Kafka, on the meter of the run; docs/metrics.md lists it.</summary>
internal static class KafkaMetrics
{
    private static readonly Meter s_meter = new(RunMetrics.MeterName);
    private static readonly Counter<long> s_records = s_meter.CreateCounter<long>(
        "aststream_kafka_records_total", "{record}", "Records of sound that were taken, by topic.");
    private static readonly Counter<long> s_rejected = s_meter.CreateCounter<long>(
        "aststream_kafka_rejected_records_total", "{record}", "Records that could not be used, by topic.");
    private static readonly Gauge<long> s_lag = s_meter.CreateGauge<long>(
        "aststream_kafka_lag_records", "{record}", "Records of a partition that this worker has not taken yet.");
    private static readonly Gauge<double> s_late = s_meter.CreateGauge<double>(
        "aststream_kafka_lag_seconds", "s", "How long ago the last record was written that this worker took of a partition; 0 at its end.");
    private static readonly Histogram<double> s_commit = s_meter.CreateHistogram<double>(
        "aststream_kafka_commit_seconds", "s", "Commits, by outcome: ok or failed.");
    private static readonly Gauge<long> s_spool = s_meter.CreateGauge<long>(
        "aststream_kafka_spool_bytes", "By", "Sound that waits on disk for the brokers, by topic.");
    private static readonly Counter<long> s_dropped = s_meter.CreateCounter<long>(
        "aststream_kafka_sound_dropped_total", "{record}",
        "Records of sound that were given up: the spool was full, or there was none at the end; by topic.");

    private static readonly Gauge<int> s_guarantee = s_meter.CreateGauge<int>(
        "aststream_kafka_delivery", unit: null, "1 for the guarantee that a Kafka source gives: exactly_once or at_least_once.");

    public static void Guarantees(
        string source, string guarantee) => s_guarantee.Record(1, new("source", source), new("guarantee", guarantee));

    public static void RecordTaken(string topic) => s_records.Add(1, Topic(topic));

    public static void Rejected(string topic) => s_rejected.Add(1, Topic(topic));

    /// <summary>How far a worker is behind in a partition.</summary>
    /// <param name="partition">The partition.</param>
    /// <param name="records">Records that it has not taken yet.</param>
    /// <param name="written">When the last one was written that it took; the default before the first.</param>
    public static void Lag(TopicPartition partition, long records, DateTime written)
    {
        var late = records == 0 || written == default ? TimeSpan.Zero : TimeProvider.System.GetUtcNow().UtcDateTime - written;
        var where = new KeyValuePair<string, object?>("partition", partition.Partition.Value);
        s_lag.Record(records, Topic(partition.Topic), where);
        s_late.Record(Math.Max(0, late.TotalSeconds), Topic(partition.Topic), where);
    }

    public static void Committed(TimeSpan took, bool isOk) =>
        s_commit.Record(took.TotalSeconds, new KeyValuePair<string, object?>("outcome", isOk ? "ok" : "failed"));

    public static void Spooled(string topic, long bytes) => s_spool.Record(bytes, Topic(topic));

    public static void Dropped(string topic, long records) => s_dropped.Add(records, Topic(topic));

    private static KeyValuePair<string, object?> Topic(string topic) => new("topic", topic);
}
