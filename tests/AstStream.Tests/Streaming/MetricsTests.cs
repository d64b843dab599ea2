using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using AstStream.Kafka.Cluster;
using AstStream.Station;
using AstStream.Station.Notify;
using AstStream.Streaming.Telemetry;

namespace AstStream.Tests.Streaming;

public partial class MetricsTests
{
    [Fact]
    public void Instruments_AllOfThem_AreThoseOfTheDocumentation()
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        using var listener = new MeterListener
        {
            InstrumentPublished = (
            instrument, _) =>
            { if (instrument.Meter.Name == RunMetrics.MeterName) { lock (names) names.Add(instrument.Name); } }
        };
        listener.Start();
        using var report = new RunReport();
        report.Observe(() => [], () => []);
        RuntimeHelpers.RunClassConstructor(typeof(KafkaMetrics).TypeHandle);
        RuntimeHelpers.RunClassConstructor(typeof(StationMetrics).TypeHandle);
        RuntimeHelpers.RunClassConstructor(typeof(NoticeMetrics).TypeHandle);

        var documented = Name().Matches(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "docs", "metrics.md")))
            .Select(m => m.Groups[1].Value).ToHashSet(StringComparer.Ordinal);
        lock (names)
            Assert.Equal(documented.Order(StringComparer.Ordinal), names.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Histograms_WhatIsTold_AreTheSecondsAndSharesThatItWas()
    {
        var seen = new Dictionary<string, double>(StringComparer.Ordinal);
        using var report = new RunReport();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, l) =>
            {
                if (
            instrument.Meter.Name == RunMetrics.MeterName && instrument is Histogram<double>) l.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) =>
        {
            // Other tests' runs measure too.
            foreach (var tag in tags)
            {
                if (tag is { Key: "model", Value: "mine" } || tag is { Key: "outcome", Value: "failed" })
                {
                    lock (seen)
                        seen[instrument.Name] = value;
                }
            }
        });
        listener.Start();

        report.AddBatch("mine", windows: 6, maxBatch: 8, TimeSpan.FromMilliseconds(40));
        report.Waited("mine", TimeSpan.FromMilliseconds(7));
        report.Scored("mine", TimeSpan.FromMilliseconds(300));
        report.Published("mine", TimeSpan.FromMilliseconds(2500));
        KafkaMetrics.Committed(TimeSpan.FromMilliseconds(90), isOk: false);

        lock (seen)
        {
            Assert.Equal(
                [
                    ("aststream_batch_fill_ratio", 0.75), ("aststream_capture_to_event_seconds", 2.5),
                    ("aststream_capture_to_score_seconds", 0.3), ("aststream_inference_seconds", 0.04),
                    ("aststream_kafka_commit_seconds", 0.09), ("aststream_window_wait_seconds", 0.007),
                ],
                seen.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => (s.Key, s.Value)));
        }
    }

    [GeneratedRegex(@"^\| `(aststream_[a-z_]+)`", RegexOptions.Multiline)]
    private static partial Regex Name();
}
