using AstStream.Kafka.Cluster;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Telemetry;
using Confluent.Kafka;

namespace AstStream.Kafka.Producing;

/// <summary>
/// Delivers messages to one topic in their order. What the brokers do not have is kept; what they refuse goes again, and a producer that
/// can't be used any more is opened anew with all of it. Messages are sent by one thread at a time.
/// </summary>
internal sealed class OrderedProducer(KafkaCluster cluster, string topic, string name, long memory) : IDisposable
{
    private static readonly TimeSpan s_drain = TimeSpan.FromSeconds(10); // before it is tried again
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(5);

    private readonly Lock _lock = new();
    private readonly LinkedList<Pending> _pending = new(); // messages that the brokers do not have, in order
    private int _inFlight; // of them
    private Error? _error; // of one that was refused
    private bool _isBroken; // the producer can't be used any more
    private int _generation; // of the producer
    private TaskCompletionSource? _settled; // when nothing is in flight any more
    private IProducer<byte[], byte[]?>? _producer;

    /// <summary>Whether a message was refused, and was not delivered since.</summary>
    public bool HasFailed
    {
        get
        {
            lock (_lock)
                return _error is not null;
        }
    }

    /// <summary>Sends a message; waits where there is no room for it, or where others before it must go again first.</summary>
    /// <exception cref="SinkException">It was not taken.</exception>
    public ValueTask SendAsync(Message<byte[], byte[]?> message, CancellationToken cancellation)
    {
        var node = new LinkedListNode<Pending>(new Pending(message));
        return !HasFailed && TrySend(node) ? ValueTask.CompletedTask : SendAsync(node, cancellation);
    }

    /// <summary>Waits until the brokers have everything; what they refused goes again.</summary>
    /// <exception cref="SinkException">They do not have it in time, or refuse it.</exception>
    public async ValueTask DeliverAsync(TimeSpan patience, CancellationToken cancellation)
    {
        List<LinkedListNode<Pending>> again;
        lock (_lock)
        {
            if (_isBroken)
                Reopen();
            _error = null;
            again = [.. Nodes().Where(n => !n.Value.IsSent)];
        }

        foreach (var node in again)
        {
            while (!TrySend(node))
                await Task.Delay(s_interval, cancellation).ConfigureAwait(false);
        }

        Task? settled = null;
        lock (_lock)
        {
            if (_inFlight > 0 && !_isBroken)
                settled = (_settled ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }

        try
        {
            if (settled is not null)
                await settled.WaitAsync(patience, cancellation).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new SinkException(
                $"{name}: {_inFlight} messages are not delivered after {patience.TotalSeconds} s", isTransient: true);
        }

        lock (_lock)
        {
            if (_error is { } error)
                throw new SinkException($"{name}: {cluster.Describe(error)}", isTransient: true);
        }
    }

    private IEnumerable<LinkedListNode<Pending>> Nodes()
    {
        for (var node = _pending.First; node is not null; node = node.Next)
            yield return node;
    }

    /// <summary>A producer that has lost its place begins anew, with everything that the brokers may not have. Under the lock.</summary>
    private void Reopen()
    {
        var old = _producer;
        _producer = null;
        _isBroken = false;
        _inFlight = 0;
        _generation++;
        foreach (var pending in _pending)
            pending.IsSent = false;
        _ = Task.Run(() => old?.Dispose()); // it calls back meanwhile
    }

    public void Dispose()
    {
        if (_producer is { } producer)
            HangGuard.Run($"{name}: Dispose", 3 * s_drain, producer.Dispose);
        _producer = null;
    }

    private IProducer<byte[], byte[]?> Open()
    {
        // A broker that is away for long must not cost events: they wait, and what comes after them waits too.
        var config = new ProducerConfig
        {
            EnableIdempotence = true,
            LingerMs = 2,
            MessageTimeoutMs = 0,
            QueueBufferingMaxKbytes = (int)(memory / 1000),
            QueueBufferingMaxMessages = 10_000_000,
        };
        return cluster.Producer<byte[], byte[]?>(config);
    }

    /// <summary>Gives a message to librdkafka; false where that has no room. An exception says that it was not taken.</summary>
    private bool TrySend(LinkedListNode<Pending> node)
    {
        var isNew = node.List is null;
        try
        {
            int generation;
            lock (_lock)
            {
                if (node.List is null)
                    _pending.AddLast(node);
                _inFlight++;
                generation = _generation;
                node.Value.IsSent = true;
            }

            (_producer ??= Open()).Produce(topic, node.Value.Message, report => Delivered(node, generation, report.Error));
            return true;
        }
        catch (ProduceException<byte[], byte[]?> e) when (e.Error.Code == ErrorCode.Local_QueueFull)
        {
            TakeBack(node, isNew, null);
            return false;
        }
        catch (ProduceException<byte[], byte[]?> e)
        {
            TakeBack(node, isNew, e.Error);
            throw new SinkException($"{name}: {cluster.Describe(e.Error)}", isTransient: e.Error.Code != ErrorCode.MsgSizeTooLarge);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            TakeBack(node, isNew, null);
            throw new SinkException($"{name}: {cluster.Describe(e.Message)}");
        }
    }

    /// <summary>The same for a message that finds no room, or comes after some that were refused.</summary>
    private async ValueTask SendAsync(LinkedListNode<Pending> node, CancellationToken cancellation)
    {
        while (true)
        {
            if (HasFailed)
                await DeliverAsync(s_drain, cancellation).ConfigureAwait(false);
            if (TrySend(node))
                return;
            await Task.Delay(s_interval, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Librdkafka's answer, on a thread of its own. What an old producer has delivered is delivered.</summary>
    private void Delivered(LinkedListNode<Pending> node, int generation, Error error)
    {
        TaskCompletionSource? settled = null;
        lock (_lock)
        {
            if (!error.IsError && node.List is not null)
                _pending.Remove(node);
            if (generation != _generation)
                return;
            _inFlight--;
            if (error.IsError)
                Refuse(node, error);
            if (_inFlight == 0 || _isBroken)
                (settled, _settled) = (_settled, null);
        }

        settled?.TrySetResult();
    }

    /// <summary>A message was not taken: one that is new is the writer's again.</summary>
    private void TakeBack(LinkedListNode<Pending> node, bool isNew, Error? error)
    {
        lock (_lock)
        {
            _inFlight--;
            node.Value.IsSent = false;
            if (isNew)
                _pending.Remove(node);
            if (error is not null)
                Refuse(node, error);
        }
    }

    private void Refuse(LinkedListNode<Pending> node, Error error)
    {
        node.Value.IsSent = false;
        _error = error;
        _isBroken |= error.IsFatal;
    }

    /// <summary>A message that the brokers do not have.</summary>
    private sealed class Pending(Message<byte[], byte[]?> message)
    {
        public Message<byte[], byte[]?> Message => message;

        public bool IsSent { get; set; }
    }
}
