using AstStream.Streaming.Telemetry;

namespace AstStream.Worker;

/// <summary>Errors and warnings on standard error, a line each.</summary>
internal static class Errors
{
    /// <summary>Writes "error: " and the message; a message of several lines is several errors.</summary>
    public static void Write(string message)
    {
        foreach (var line in message.Split('\n'))
            Console.Error.WriteLine($"error: {Printable.Text(line)}");
    }

    /// <summary>Writes "note: " and the message.</summary>
    public static void Note(string message) => Console.Error.WriteLine($"note: {Printable.Text(message)}");

    /// <summary>Writes "warning: " and the message.</summary>
    public static void Warn(string message) => Console.Error.WriteLine($"warning: {Printable.Text(message)}");
}
