using AstStream.Streaming.Telemetry;
using Confluent.Kafka;

namespace AstStream.Kafka.Cluster;

/// <summary>
/// A producer that is opened when it is needed, and opened again after it was let go. Calls that may hang are watched. What one that was
/// let go still answers is known by its generation.
/// </summary>
/// <param name="name">How it is called where a call hangs.</param>
/// <param name="limit">The most that a call of librdkafka may take before it counts as hanging.</param>
/// <param name="open">Makes a producer, ready to be used.</param>
internal sealed class ReopeningProducer(string name, TimeSpan limit, Func<IProducer<byte[], byte[]?>> open) : IDisposable
{
    private readonly Lock _lock = new();
    private IProducer<byte[], byte[]?>? _producer;
    private int _generation;

    /// <summary>The producer; it is opened where there is none.</summary>
    public IProducer<byte[], byte[]?> Current
    {
        get
        {
            lock (_lock)
                return _producer ??= open();
        }
    }

    /// <summary>Gives a message to librdkafka; false where that has no room.</summary>
    /// <param name="destination">The topic; <see cref="Partition.Any"/> for the one that the key says.</param>
    /// <param name="message">The message.</param>
    /// <param name="answered">
    /// Takes the answer, on a thread of librdkafka's, and whether it is that of the producer that is open now.
    /// </param>
    /// <exception cref="ProduceException{TKey, TValue}">It is not taken.</exception>
    public bool TryProduce(TopicPartition destination, Message<byte[], byte[]?> message, Action<Error, bool> answered)
    {
        var producer = Current;
        var generation = Volatile.Read(ref _generation);
        try
        {
            producer.Produce(
                destination, message, report => answered(report.Error, generation == Volatile.Read(ref _generation)));
            return true;
        }
        catch (ProduceException<byte[], byte[]?> e) when (e.Error.Code == ErrorCode.Local_QueueFull)
        {
            return false;
        }
    }

    /// <summary>Lets go of the producer, with all that it has not delivered. It is closed elsewhere: it calls back meanwhile.</summary>
    public void Abandon()
    {
        if (Take() is { } old)
            _ = Task.Run(() => Close(old));
    }

    /// <summary>Lets go of the producer, and waits until it is closed; what it has may be delivered for a moment before.</summary>
    public void Close(TimeSpan flush = default)
    {
        if (Take() is not { } old)
            return;
        if (flush > TimeSpan.Zero)
            HangGuard.Run($"{name}: Flush", limit, () => old.Flush(flush));
        Close(old);
    }

    public void Dispose() => Close();

    private void Close(IProducer<byte[], byte[]?> producer) => HangGuard.Run($"{name}: Dispose", limit, producer.Dispose);

    private IProducer<byte[], byte[]?>? Take()
    {
        lock (_lock)
        {
            _generation++;
            (var old, _producer) = (_producer, null);
            return old;
        }
    }
}
