using System.Globalization;
using System.Text;
using System.Text.Json;
using AstStream.Events.Json;
using AstStream.Streaming.Telemetry;
using Microsoft.Extensions.Logging;

namespace AstStream.Worker;

/// <summary>The log of a run, on standard error. Times are UTC. Writing never waits and never fails.</summary>
internal sealed class LineLogger(LogFormat format, LogLevel least, TimeProvider time) : ILogger
{
    private const string Template = "{OriginalFormat}";

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= least;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
            return;
        var now = time.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
        foreach (var line in formatter(state, exception).Split('\n'))
            Console.Error.WriteLine(format == LogFormat.Json ? Json(now, logLevel, line, state as IEnumerable<KeyValuePair<string,
                object?>>) : $"{now} {Word(logLevel)}: {Printable.Text(line)}");
    }

    private static string Word(LogLevel level) => level switch
    {
        >= LogLevel.Error => "error",
        LogLevel.Warning => "warning",
        LogLevel.Information => "note",
        _ => "debug",
    };

    private static string Json(string time, LogLevel level, string message, IEnumerable<KeyValuePair<string, object?>>? parts)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes, JsonText.Options))
        {
            json.WriteStartObject();
            json.WriteString("time", time);
            json.WriteString("level", Word(level));
            json.WriteString("message", Secrets.Hide(message));
            foreach (var (name, value) in parts ?? [])
            {
                if (name is not (Template or "Message") && value is not null)
                    json.WriteString(JsonNamingPolicy.SnakeCaseLower.ConvertName(
                        name), Secrets.Hide(Convert.ToString(value, CultureInfo.InvariantCulture) ?? ""));
            }

            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(bytes.GetBuffer(), 0, (int)bytes.Length);
    }
}
