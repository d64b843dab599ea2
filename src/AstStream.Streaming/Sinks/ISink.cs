using AstStream.Events;
using AstStream.Streaming.Sources;

namespace AstStream.Streaming.Sinks;

/// <summary>Where records go: events, and coverage, scores and sound where they are asked for. Called by one thread at a time.</summary>
public interface ISink : IAsyncDisposable
{
    /// <summary>Where it writes, in a few words.</summary>
    string Description { get; }

    /// <summary>Takes what the sink says of itself; by default it has nothing to say. Set before it is opened.</summary>
    ISinkReport Report
    {
        set
        {
        }
    }

    /// <summary>Opens it before the run; an exception says what is wrong and stops the run before it starts.</summary>
    ValueTask OpenAsync(CancellationToken cancellation);

    /// <summary>Takes a record. After an exception it has not taken it: the same record may be offered again.</summary>
    /// <exception cref="SinkException">It can't write.</exception>
    ValueTask WriteAsync(StreamRecord record, CancellationToken cancellation);

    /// <summary>
    /// No record waits at the moment: a good time to flush. What was taken of streams that somebody answers for
    /// (<see cref="StreamInfo.Delivery"/>) is safe when it returns. After an exception it may be called again.
    /// </summary>
    /// <exception cref="SinkException">It can't write.</exception>
    ValueTask FlushAsync(CancellationToken cancellation);

    /// <summary>
    /// No record will come any more: all that was taken is safe when it returns. After an exception it may be called again.
    /// </summary>
    /// <exception cref="SinkException">It can't write.</exception>
    ValueTask CompleteAsync(CancellationToken cancellation) => FlushAsync(cancellation);
}
