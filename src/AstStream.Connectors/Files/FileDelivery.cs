using AstStream.Streaming.Sources;

namespace AstStream.Connectors.Files;

/// <summary>Notes that a file is done when all that was heard of it is published.</summary>
/// <param name="done">Takes that. Called by whichever sink was the last one.</param>
internal sealed class FileDelivery(Action done) : IDelivery
{
    private int _models;

    public LocatedInput Locate(long start, long end) => default;

    public void Complete(StreamCheckpoint checkpoint)
    {
        if (checkpoint.IsEnd && !checkpoint.Stream.IsAbandoned && Interlocked.Increment(ref _models) == checkpoint.Stream.Models.Count)
            done();
    }
}
