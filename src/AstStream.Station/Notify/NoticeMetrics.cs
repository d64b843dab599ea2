using System.Diagnostics.Metrics;
using AstStream.Streaming.Telemetry;

namespace AstStream.Station.Notify;

/// <summary>What is measured of notifications, on the meter of the run; docs/metrics.md lists it.</summary>
internal static class NoticeMetrics
{
    private static readonly Meter s_meter = new(RunMetrics.MeterName);
    private static readonly Counter<long> s_settled = s_meter.CreateCounter<long>(
        "aststream_notifications_total", "{notification}", "Notifications by target and what became of them.");

    private static readonly Counter<long> s_retries = s_meter.CreateCounter<long>(
        "aststream_notification_retries_total", "{try}", "Tries that failed and are repeated, by target.");

    /// <summary>What became of one.</summary>
    /// <param name="target">Its target.</param>
    /// <param name="state">How it ended, one of <see cref="NoticeState"/>, or dropped.</param>
    /// <param name="count">Of how many.</param>
    public static void Settled(string target, string state, long count = 1) => s_settled.Add(
        count, new KeyValuePair<string, object?>("target", target), new KeyValuePair<string, object?>("result", state));

    /// <summary>A try failed, and is repeated.</summary>
    public static void Retried(string target) => s_retries.Add(1, new KeyValuePair<string, object?>("target", target));
}
