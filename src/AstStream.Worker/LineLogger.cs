using Microsoft.Extensions.Logging;

namespace AstStream.Worker;

/// <summary>Log lines on standard error as the command line's own errors and warnings look: "error: …", "warning: …", "note: …".</summary>
internal sealed class LineLogger : ILogger
{
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var text = formatter(state, exception);
        switch (logLevel)
        {
            case >= LogLevel.Error:
                Errors.Write(text);
                break;
            case LogLevel.Warning:
                Errors.Warn(text);
                break;
            case LogLevel.Information:
                Errors.Note(text);
                break;
        }
    }
}
