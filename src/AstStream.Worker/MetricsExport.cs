using System.Diagnostics;
using System.Diagnostics.Tracing;
using AstStream.Streaming.Telemetry;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace AstStream.Worker;

/// <summary>Exports the run's metrics by OTLP, as OpenTelemetry's own environment variables say.</summary>
internal static class MetricsExport
{
    private static readonly TimeSpan s_between = TimeSpan.FromMinutes(1); // lines about a collector that is unavailable

    /// <summary>
    /// Begins to export where OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_METRICS_ENDPOINT is set, or the settings name an address;
    /// else null. Disposing sends what is left.
    /// </summary>
    /// <param name="endpoint">The settings' address; OpenTelemetry's own variables win over it.</param>
    /// <param name="log">Where it is said that the collector can't be reached.</param>
    public static Exporter? Start(Uri? endpoint, ILogger log)
    {
        string[] endpoints = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"];
        var hasOwn = endpoints.Any(e => !string.IsNullOrEmpty(Environment.GetEnvironmentVariable(e)));
        if (!hasOwn && endpoint is null)
            return null;
        var troubles = new Troubles(log);
        var meters = Sdk.CreateMeterProviderBuilder()
            .ConfigureResource(r => r.AddService("aststream", serviceVersion: typeof(RunMetrics).Assembly.GetName().Version?.ToString(3)))
            .AddMeter(RunMetrics.MeterName)
            .AddOtlpExporter(o =>
            {
                if (!hasOwn)
                    o.Endpoint = endpoint!;
            })
            .Build();
        return new Exporter(meters, troubles);
    }

    /// <summary>An export that is under way.</summary>
    internal sealed class Exporter(MeterProvider meters, IDisposable troubles) : IDisposable
    {
        public void Dispose()
        {
            meters.Dispose();
            troubles.Dispose();
        }
    }

    /// <summary>Hears what OpenTelemetry's exporter says of failures, which it tells nobody else.</summary>
    private sealed class Troubles(ILogger log) : EventListener
    {
        private readonly ILogger _log = log;
        private long _lastReport;

        protected override void OnEventSourceCreated(EventSource eventSource)
        {
            if (eventSource.Name.StartsWith("OpenTelemetry-Exporter", StringComparison.Ordinal))
                EnableEvents(eventSource, EventLevel.Warning);
        }

        protected override void OnEventWritten(EventWrittenEventArgs eventData)
        {
            // The base class hears events before this one's fields are set.
            if (_log is null || (_lastReport != 0 && Stopwatch.GetElapsedTime(_lastReport) < s_between))
                return;
            _lastReport = Stopwatch.GetTimestamp();
            var words = string.Join(" ", (eventData.Payload ?? (IEnumerable<object?>)[]).Select(p => $"{p}".Split('\n')[0]));
            _log.ExportFails(words);
        }
    }
}
