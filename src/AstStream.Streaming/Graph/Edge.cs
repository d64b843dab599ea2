using System.Threading.Channels;

namespace AstStream.Streaming;

/// <summary>One arrow of the dataflow graph: what it joins, and its counters. Readable at any time from any thread.</summary>
public interface IEdge
{
    /// <summary>The node that writes, or all of them.</summary>
    string From { get; }

    /// <summary>The node that reads.</summary>
    string To { get; }

    /// <summary>The message type's name.</summary>
    string Message { get; }

    /// <summary>Messages that fit before the writer waits.</summary>
    int Capacity { get; }

    /// <summary>Messages written so far, or waiting to be.</summary>
    long Written { get; }

    /// <summary>Messages in the channel now.</summary>
    int Depth { get; }

    /// <summary>Times that a writer found the channel full and waited: the reader is the slower one.</summary>
    long Waits { get; }
}

/// <summary>
/// A bounded channel with counters. Several nodes may write; one reads. It completes when all its writers have completed, or
/// at once with the first fault. A completion or fault travels downstream by it; only backpressure travels upstream.
/// </summary>
public sealed class Edge<T> : IEdge
{
    private readonly Channel<T> _channel;
    private readonly List<string> _from = [];
    private int _writers;
    private long _written;
    private long _waits;

    /// <summary>Makes an edge to a node.</summary>
    public Edge(string to, int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        To = to;
        Capacity = capacity;
        _channel = Channel.CreateBounded<T>(new BoundedChannelOptions(capacity) { SingleReader = true });
    }

    /// <inheritdoc/>
    public string From => string.Join(", ", _from);

    /// <inheritdoc/>
    public string To { get; }

    /// <inheritdoc/>
    public string Message => typeof(T).Name;

    /// <inheritdoc/>
    public int Capacity { get; }

    /// <inheritdoc/>
    public long Written => Interlocked.Read(ref _written);

    /// <inheritdoc/>
    public int Depth => _channel.Reader.Count;

    /// <inheritdoc/>
    public long Waits => Interlocked.Read(ref _waits);

    /// <summary>Counts one more writer, before the graph runs.</summary>
    internal void AddWriter(string node)
    {
        _from.Add(node);
        _writers++;
    }

    /// <summary>Writes a message, waiting while the channel is full.</summary>
    /// <remarks>
    /// The channel's own waits get no token: waits that can be cancelled are allocated each time, others are not. The graph
    /// ends them by completing the edge.
    /// </remarks>
    public ValueTask WriteAsync(T message, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        Interlocked.Increment(ref _written);
        if (_channel.Writer.TryWrite(message))
            return ValueTask.CompletedTask;
        Interlocked.Increment(ref _waits);
        return _channel.Writer.WriteAsync(message, CancellationToken.None);
    }

    /// <summary>Waits until a message can be written; false when the edge has completed.</summary>
    public ValueTask<bool> WaitToWriteAsync() => _channel.Writer.WaitToWriteAsync(CancellationToken.None);

    /// <summary>Takes a message if one is there.</summary>
    public bool TryRead(out T message) => _channel.Reader.TryRead(out message!);

    /// <summary>Waits for a message; false when the edge has completed and is empty. Throws the fault that came down.</summary>
    public ValueTask<bool> WaitToReadAsync() => _channel.Reader.WaitToReadAsync(CancellationToken.None);

    /// <summary>As <see cref="WaitToReadAsync"/>, but only until a deadline.</summary>
    public ValueTask<bool> WaitToReadUntilAsync(CancellationToken deadline) => _channel.Reader.WaitToReadAsync(deadline);

    /// <summary>One writer is done, or has failed.</summary>
    internal void Complete(Exception? fault)
    {
        if (fault is not null || Interlocked.Decrement(ref _writers) == 0)
            _channel.Writer.TryComplete(fault);
    }
}
