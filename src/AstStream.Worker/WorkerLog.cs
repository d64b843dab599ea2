using Microsoft.Extensions.Logging;

namespace AstStream.Worker;

/// <summary>The lines of the program's log that are not the run's own.</summary>
internal static partial class WorkerLog
{
    [LoggerMessage(101, LogLevel.Error, "stopped without draining: the last sound was not scored")]
    public static partial void Stopped(this ILogger log);

    [LoggerMessage(102, LogLevel.Error, "{Message}")]
    public static partial void RunFailed(this ILogger log, string message);

    [LoggerMessage(103, LogLevel.Critical, "{What}; the process ends, so that whoever supervises it starts it again")]
    public static partial void Hung(this ILogger log, string what);

    [LoggerMessage(104, LogLevel.Warning, "metrics can't be exported: {Words}; it is tried again (reported at most once a minute)")]
    public static partial void ExportFails(this ILogger log, string words);
}
