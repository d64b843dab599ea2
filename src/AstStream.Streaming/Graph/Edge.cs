using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace AstStream.Streaming.Graph;

/// <summary>
/// A bounded channel with counters. Several nodes may write; one reads. It completes when all its writers have completed, or
/// at once with the first fault. A completion or fault travels downstream by it; only backpressure travels upstream.
/// </summary>
public sealed class Edge<T> : IEdge
{
    private readonly Channel<T> _channel;
    private readonly List<string> _from = [];
    private int _writers;
    private volatile bool _hadWriters;
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
    public string From
    {
        get
        {
            lock (_from)
                return string.Join(", ", _from);
        }
    }

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

    /// <summary>Whether a writer is left.</summary>
    internal bool IsOpen => Volatile.Read(ref _writers) > 0;

    /// <summary>Counts one more writer. False when all writers have ended: nothing can be written any more.</summary>
    internal bool AddWriter(string node)
    {
        for (var writers = Volatile.Read(ref _writers); ; writers = Volatile.Read(ref _writers))
        {
            if (writers == 0 && _hadWriters)
                return false;
            if (Interlocked.CompareExchange(ref _writers, writers + 1, writers) == writers)
                break;
        }

        _hadWriters = true;
        lock (_from)
            _from.Add(node);
        return true;
    }

    /// <summary>
    /// Writes a message, waiting while the channel is full. A message that can't be written any more is given back to its pool.
    /// </summary>
    /// <remarks>
    /// The channel's own waits get no token: waits that can be cancelled are allocated each time, others are not. The graph
    /// ends them by completing the edge.
    /// </remarks>
    public ValueTask WriteAsync(T message, CancellationToken cancellation)
    {
        if (cancellation.IsCancellationRequested)
        {
            (message as Pooled)?.Return();
            cancellation.ThrowIfCancellationRequested();
        }

        Interlocked.Increment(ref _written);
        if (_channel.Writer.TryWrite(message))
            return ValueTask.CompletedTask;
        Interlocked.Increment(ref _waits);
        var waiting = _channel.Writer.WriteAsync(message, CancellationToken.None);
        return waiting.IsCompletedSuccessfully || message is not Pooled ? waiting : ReturnIfClosedAsync(waiting, message);
    }

    /// <summary>Writes a message if there is room. False where there is none, or the edge has completed.</summary>
    public bool TryWrite(T message)
    {
        if (!_channel.Writer.TryWrite(message))
        {
            Interlocked.Increment(ref _waits);
            return false;
        }

        Interlocked.Increment(ref _written);
        return true;
    }

    /// <summary>Takes a message if one is there.</summary>
    public bool TryRead(out T message) => _channel.Reader.TryRead(out message!);

    /// <summary>Waits for a message; false when the edge has completed and is empty. Throws the fault that came down.</summary>
    public ValueTask<bool> WaitToReadAsync() => _channel.Reader.WaitToReadAsync(CancellationToken.None);

    /// <summary>Gives back to their pools the messages that nobody read, after all nodes have ended.</summary>
    public void Drain()
    {
        while (_channel.Reader.TryRead(out var message))
            (message as Pooled)?.Return();
    }

    /// <summary>One writer is done, or has failed.</summary>
    internal void Complete(Exception? fault)
    {
        var left = fault is null ? Interlocked.Decrement(ref _writers) : Volatile.Read(ref _writers);
        Debug.Assert(left >= 0, "an edge was completed by more writers than it has");
        if (fault is not null || left == 0)
            _channel.Writer.TryComplete(fault);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask ReturnIfClosedAsync(ValueTask waiting, T message)
    {
        try
        {
            await waiting.ConfigureAwait(false);
        }
        catch
        {
            (message as Pooled)?.Return(); // the edge has completed, or the graph is cancelled
            throw;
        }
    }
}
