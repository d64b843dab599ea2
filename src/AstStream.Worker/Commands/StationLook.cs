using System.Globalization;
using System.Text.Json;

namespace AstStream.Worker.Commands;

/// <summary>A station as it was at one moment.</summary>
/// <param name="Health">What /health says.</param>
/// <param name="Streams">What /streams says.</param>
/// <param name="Metrics">What /metrics says.</param>
internal sealed record StationLook(JsonElement Health, JsonElement Streams, string Metrics)
{
    private const string Latency = "aststream_capture_to_event_seconds";

    /// <summary>From the sound that decided live events to their sinks, on the average of the run; null where none were live.</summary>
    public double? EventLatency => Sum($"{Latency}_count") is > 0 and var count ? Sum($"{Latency}_sum") / count : null;

    /// <summary>A metric, summed over its labels.</summary>
    private double Sum(string name) => Metrics.Split('\n')
        .Where(l => l.StartsWith(name, StringComparison.Ordinal) && l.Length > name.Length && l[name.Length] is '{' or ' ')
        .Sum(l => double.TryParse(l.Split(' ')[^1], CultureInfo.InvariantCulture, out var value) ? value : 0);
}
