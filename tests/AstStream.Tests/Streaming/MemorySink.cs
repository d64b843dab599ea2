using AstStream.Events;
using AstStream.Streaming.Sinks;

namespace AstStream.Tests.Streaming;

/// <summary>Keeps what it gets.</summary>
internal sealed class MemorySink : ISink
{
    public List<StreamRecord> Records { get; } = [];

    public string Description => "memory";

    public ValueTask OpenAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

    public ValueTask WriteAsync(StreamRecord record, CancellationToken cancellation)
    {
        Records.Add(record);
        return ValueTask.CompletedTask;
    }

    public ValueTask FlushAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
