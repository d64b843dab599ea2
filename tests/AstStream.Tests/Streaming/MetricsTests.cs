using System.Diagnostics.Metrics;
using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using AstStream.Connectors.Kafka;
using AstStream.Streaming;

namespace AstStream.Tests.Streaming;

public partial class MetricsTests
{
    [Fact]
    public void Instruments_AllOfThem_AreThoseOfTheDocumentation()
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        using var listener = new MeterListener { InstrumentPublished = (instrument, _) => { if (instrument.Meter.Name == Telemetry.MeterName) { lock (names) names.Add(instrument.Name); } } };
        listener.Start();
        using var report = new RunReport();
        report.Observe([], () => []);
        RuntimeHelpers.RunClassConstructor(typeof(KafkaMetrics).TypeHandle);

        var documented = Name().Matches(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "docs", "metrics.md"))).Select(m => m.Groups[1].Value).ToHashSet(StringComparer.Ordinal);
        lock (names)
            Assert.Equal(documented.Order(StringComparer.Ordinal), names.Order(StringComparer.Ordinal));
    }

    [GeneratedRegex(@"^\| `(aststream_[a-z_]+)`", RegexOptions.Multiline)]
    private static partial Regex Name();
}
