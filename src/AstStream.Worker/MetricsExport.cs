using AstStream.Streaming;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;

namespace AstStream.Worker;

/// <summary>Exports the run's metrics by OTLP, as OpenTelemetry's own environment variables say.</summary>
internal static class MetricsExport
{
    /// <summary>Begins to export where OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_METRICS_ENDPOINT is set; else null. Disposing sends what is left.</summary>
    public static MeterProvider? Start()
    {
        string[] endpoints = ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"];
        if (endpoints.All(e => string.IsNullOrEmpty(Environment.GetEnvironmentVariable(e))))
            return null;
        return Sdk.CreateMeterProviderBuilder()
            .ConfigureResource(r => r.AddService("aststream", serviceVersion: typeof(Telemetry).Assembly.GetName().Version?.ToString(3)))
            .AddMeter(Telemetry.MeterName)
            .AddOtlpExporter()
            .Build();
    }
}
