using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using AstStream.Connectors.Programs;

namespace AstStream.Connectors.Capture;

/// <summary>
/// PulseAudio, or PipeWire in its place: its sources by the names that people see, as pactl says them. PortAudio knows all of them as one
/// device.
/// </summary>
internal static partial class SoundServer
{
    /// <summary>The host API of its sources.</summary>
    public const string HostApi = "PulseAudio";

    /// <summary>The variable that names the source for its library.</summary>
    public const string SourceVariable = "PULSE_SOURCE";

    private const string Program = "pactl";
    private const int MostOutput = 4_000_000; // characters
    private const double Latency = 0.1; // seconds: what it gives where it is asked for less

    private static readonly AudioDevice s_any = new(0, HostApi, "", 1, 0, 0, 0, false);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    /// <summary>Its sources, those that hear what this machine plays last; none where no server or no pactl is there.</summary>
    /// <param name="through">The device of PortAudio that leads to it.</param>
    public static IEnumerable<AudioDevice> Sources(AudioDevice through) =>
        Ask("--format=json", "list", "sources") is { } json ? Parse(json, Ask("get-default-source")?.Trim(), through) : [];

    /// <summary>Whether a source is there; null where nobody says.</summary>
    public static bool? Has(string source) => Ask("--format=json", "list", "sources") is not { } json ? null
        : Parse(json, null, s_any).Any(s => s.ServerSource == source);

    /// <summary>Reads what pactl says; what is not as expected is left out.</summary>
    internal static IEnumerable<AudioDevice> Parse(string json, string? usual, AudioDevice through)
    {
        var sources = new List<AudioDevice>();
        try
        {
            using var document = JsonDocument.Parse(json);
            if (document.RootElement.ValueKind != JsonValueKind.Array)
                return [];
            foreach (var source in document.RootElement.EnumerateArray())
            {
                if (source.ValueKind != JsonValueKind.Object || Text(source, "name") is not { Length: > 0 } name)
                    continue;
                var format = Format().Match(Text(source, "sample_specification") ?? "");
                sources.Add(new AudioDevice(
                    through.Index, HostApi, Text(source, "description") is { Length: > 0 } description ? description : name,
                    format.Success ? int.Parse(format.Groups[1].Value, CultureInfo.InvariantCulture) : 1,
                    format.Success ? int.Parse(format.Groups[2].Value, CultureInfo.InvariantCulture) : through.SampleRate,
                    Latency, Latency, IsDefault: false)
                {
                    ServerSource = name,
                    IsMonitor = name.EndsWith(".monitor", StringComparison.Ordinal),
                    IsServerDefault = name == usual,
                });
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return []; // no JSON, or no text in it
        }

        // Two of the same make have the same description: the server's own names tell them apart.
        var doubled = sources.GroupBy(s => s.Name, StringComparer.OrdinalIgnoreCase).Where(g => g.Count() > 1).Select(g => g.Key)
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        return sources.Select(s => doubled.Contains(s.Name) ? s with { Name = $"{s.Name} ({s.ServerSource})" } : s)
            .OrderBy(s => s.IsMonitor);
    }

    private static string? Text(JsonElement source, string name) =>
        source.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    /// <summary>What pactl answers; null where it does not, or takes too long.</summary>
    private static string? Ask(params string[] arguments)
    {
        // Who asks has a thread that may wait: PortAudio is as slow.
        string? answer = null;
        Task.WaitAll(Task.Run(async () =>
        {
            var result = await SystemProgram.RunAsync(Program, arguments, s_patience, CancellationToken.None, MostOutput)
                .ConfigureAwait(false);
            answer = result is { Code: 0 } good ? good.Output : null;
        }));
        return answer;
    }

    [GeneratedRegex(@"^\S+ (\d{1,2})ch (\d{4,6})Hz$")]
    private static partial Regex Format();
}
