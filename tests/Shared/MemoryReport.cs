using AstStream.Streaming.Sinks;
using AstStream.Streaming.Telemetry;

namespace AstStream.Tests.Shared;

/// <summary>Remembers what a sink says of itself.</summary>
/// <param name="run">The run whose sources it can know; null for none.</param>
internal sealed class MemoryReport(RunReport? run = null) : ISinkReport
{
    private readonly Lock _lock = new();
    private readonly List<string> _lines = [];

    public IEnumerable<SourceHealth> Sources => run?.Health ?? [];

    /// <summary>What it said, in order.</summary>
    public IReadOnlyList<string> Lines
    {
        get
        {
            lock (_lock)
                return [.. _lines];
        }
    }

    public void Warn(string message) => Note(message);

    public void Note(string message)
    {
        lock (_lock)
            _lines.Add(message);
    }

    public void Waits() => Note("waits");

    public void Drop(long records, string? why = null) => Note($"{records}: {why}");
}
