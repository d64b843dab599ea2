using Microsoft.Extensions.Logging;

namespace AstStream.Worker.Hosting;

/// <summary>Gives the one log of the process to everything that logs.</summary>
internal sealed class LineLoggerProvider(LineLogger log) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => log;

    public void Dispose()
    {
    }
}
