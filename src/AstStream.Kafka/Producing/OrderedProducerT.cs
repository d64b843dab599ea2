using System.Diagnostics;
using AstStream.Kafka.Cluster;
using AstStream.Streaming.Sinks;
using Confluent.Kafka;

namespace AstStream.Kafka.Producing;

/// <summary>
/// Delivers messages to one topic in their order. What the brokers do not have is kept, up to so many bytes; what they refuse goes again,
/// and a producer that can't be used any more is opened again with all of it. A message that they will never take is found, and given up
/// alone. Messages are given to it by one thread at a time.
/// </summary>
internal sealed class OrderedProducer<T> : IDisposable
    where T : Pending
{
    private static readonly TimeSpan s_drain = TimeSpan.FromSeconds(10); // before it is tried again
    private static readonly TimeSpan s_close = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(5);

    private readonly KafkaCluster _cluster;
    private readonly OrderedProducerOptions _options;
    private readonly Func<ProducerConfig, IProducer<byte[], byte[]?>> _open;
    private readonly ReopeningProducer _producer;
    private readonly TopicPartition _destination;

    // Under the lock.
    private readonly Lock _lock = new();
    private readonly PendingQueue<T> _pending = new();
    private readonly List<Refusal> _refused = []; // that nobody has asked for yet
    private State _state;
    private Error? _error; // that it has failed of
    private long _failedAt;
    private bool _isCareful; // messages go one by one, so that only the one that is refused is given up
    private TaskCompletionSource? _settled; // completed when all is delivered, or it fails

    /// <summary>Makes it; the producer is opened with the first message.</summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="options">How messages are delivered.</param>
    /// <param name="open">Makes the producer; the cluster does by default.</param>
    public OrderedProducer(
        KafkaCluster cluster, OrderedProducerOptions options, Func<ProducerConfig, IProducer<byte[], byte[]?>>? open = null)
    {
        (_cluster, _options, _open) = (cluster, options, open ?? cluster.Producer<byte[], byte[]?>);
        _destination = new TopicPartition(options.Topic, Partition.Any);
        _producer = new ReopeningProducer(options.Name, s_close, Open);
    }

    private enum State
    {
        /// <summary>Messages are sent as they come.</summary>
        Well,

        /// <summary>One was not taken: none is sent until it is tried again.</summary>
        Failed,

        /// <summary>The same, and the producer can't be used any more.</summary>
        Broken,
    }

    /// <summary>What it has failed of; null where it has not, or is trying again.</summary>
    public Error? Error
    {
        get
        {
            lock (_lock)
                return _error;
        }
    }

    /// <summary>Bytes of messages that the brokers do not have.</summary>
    public long Bytes
    {
        get
        {
            lock (_lock)
                return _pending.Bytes;
        }
    }

    /// <summary>The messages that the brokers do not have, in order.</summary>
    public IReadOnlyList<T> Undelivered
    {
        get
        {
            lock (_lock)
                return [.. _pending.Undelivered];
        }
    }

    /// <summary>Opens the producer now, and not with the first message.</summary>
    /// <exception cref="InvalidOperationException">Its settings are wrong.</exception>
    /// <exception cref="ArgumentException">Likewise.</exception>
    public void Prepare() => _ = _producer.Current;

    /// <summary>Sends a message; waits where there is no room for it, or where others before it must go again first.</summary>
    /// <exception cref="SinkException">It was not taken.</exception>
    public ValueTask SendAsync(T message, CancellationToken cancellation) =>
        TryTake(message) ? ValueTask.CompletedTask : SendLaterAsync(message, cancellation);

    /// <summary>Takes a message, whether there is room for it or not. Where it can't be sent yet, it waits.</summary>
    public void Take(T message)
    {
        lock (_lock)
            Add(message);
    }

    /// <summary>Waits until the brokers have everything; what they refused goes again.</summary>
    /// <exception cref="SinkException">They do not have it in time, or refuse it.</exception>
    public async ValueTask DeliverAsync(TimeSpan patience, CancellationToken cancellation)
    {
        Task? settled = null;
        lock (_lock)
        {
            TryAgain();
            if (_pending.Bytes > 0 && _state == State.Well)
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
                $"{_options.Name}: {Undelivered.Count} messages are not delivered after {patience.TotalSeconds} s", isTransient: true);
        }

        if (Error is { } error)
            throw new SinkException($"{_options.Name}: {_cluster.Describe(error)}", isTransient: true);
    }

    /// <summary>Sends what waits; after a failure only when so much time has gone since.</summary>
    public void TryAgain(TimeSpan after)
    {
        lock (_lock)
        {
            if (_state == State.Well || Stopwatch.GetElapsedTime(_failedAt) > after)
                TryAgain();
        }
    }

    /// <summary>The messages that were given up since it was asked last.</summary>
    public IReadOnlyList<Refusal> TakeRefused()
    {
        lock (_lock)
        {
            if (_refused.Count == 0)
                return [];
            Refusal[] refused = [.. _refused];
            _refused.Clear();
            return refused;
        }
    }

    /// <summary>Gives the brokers a moment for what is left, and closes the producer.</summary>
    public void Close(TimeSpan flush) => _producer.Close(flush);

    public void Dispose() => _producer.Dispose();

    /// <summary>Whether what is answered was sent by itself: not by a producer that is to be replaced by a careful one.</summary>
    private bool IsAlone => _isCareful && _state != State.Broken;

    private IProducer<byte[], byte[]?> Open() => _open(new ProducerConfig
    {
        EnableIdempotence = true,
        LingerMs = _options.LingerMs,
        MessageTimeoutMs = 0, // a broker that is away for long costs nothing: messages wait
        QueueBufferingMaxKbytes = (int)Math.Min(2_000_000, (_options.Memory / 1000 * 2) + 1000), // more than it is ever given
        QueueBufferingMaxMessages = 10_000_000,
        BatchNumMessages = _isCareful ? 1 : 10_000,
    });

    /// <summary>
    /// Takes a message where there is room. Where none waits before it, it is sent outside of the lock, which answers take.
    /// </summary>
    private bool TryTake(T message)
    {
        lock (_lock)
        {
            if (_state != State.Well || _pending.Bytes > _options.Memory)
                return false;
            var isNext = _pending.NextToSend is null;
            _pending.Add(message);
            if (!isNext)
                return true; // it follows those that wait
            _pending.Sent();
        }

        if (Produce(message) is not { } trouble)
            return true;
        lock (_lock)
        {
            _pending.SendAgain(message);
            Fail(message, trouble);
        }

        return true;
    }

    private async ValueTask SendLaterAsync(T message, CancellationToken cancellation)
    {
        while (true)
        {
            if (Error is not null)
                await DeliverAsync(s_drain, cancellation).ConfigureAwait(false);
            if (TryTake(message))
                return;
            await Task.Delay(s_interval, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Adds a message at the end, and sends it if it is its turn. Under the lock.</summary>
    private void Add(T message)
    {
        _pending.Add(message);
        SendWaiting();
    }

    /// <summary>Begins again after a failure. Under the lock.</summary>
    private void TryAgain()
    {
        if (_state == State.Broken)
        {
            _producer.Abandon();
            _pending.SendAllAgain();
        }

        Become(State.Well, null);
        SendWaiting();
    }

    /// <summary>Gives librdkafka what waits, in order, until one is not taken. Under the lock.</summary>
    private void SendWaiting()
    {
        while (_state == State.Well && _pending.NextToSend is { } message)
        {
            if (!TrySend(message))
                return;
        }
    }

    /// <summary>
    /// Gives librdkafka the message whose turn it is; false where it waits on. Under the lock, for which its answer waits.
    /// </summary>
    private bool TrySend(T message)
    {
        if (Produce(message) is { } trouble)
            return Fail(message, trouble);
        _pending.Sent();
        return true;
    }

    /// <summary>Gives librdkafka a message; what is wrong where it does not take it.</summary>
    private Error? Produce(T message)
    {
        try
        {
            return _producer.TryProduce(_destination, message.Message, (error, isCurrent) => Answer(message, error, isCurrent))
                ? null : new Error(ErrorCode.Local_QueueFull);
        }
        catch (ProduceException<byte[], byte[]?> e)
        {
            return e.Error;
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            return new Error(ErrorCode.Local_Fail, e.Message); // a file that it needs is gone, perhaps for a moment
        }
    }

    /// <summary>A message was not taken: it waits, or is given up, which is true. Under the lock.</summary>
    private bool Fail(T message, Error error)
    {
        if (error.Code == ErrorCode.Local_QueueFull)
            return false; // answers make room
        if (GivesUp(message, error, isAlone: true))
            return true;
        Become(error.IsFatal ? State.Broken : State.Failed, error);
        return false;
    }

    /// <summary>Takes librdkafka's answer, on a thread of its own. What an old producer has delivered is delivered.</summary>
    private void Answer(T message, Error error, bool isCurrent)
    {
        lock (_lock)
        {
            if (!error.IsError)
            {
                _pending.Finish(message);
            }
            else if (isCurrent && message.State == PendingState.Sent && !GivesUp(message, error, IsAlone))
            {
                _pending.SendAgain(message);
                Become(error.IsFatal || _state == State.Broken ? State.Broken : State.Failed, error);
            }

            SendWaiting();
            if (_pending.Bytes > 0)
                return;
            Settle();
            if (!_isCareful)
                return;
            _isCareful = false; // what was refused is gone; nothing is lost, or comes twice, by another producer now
            _producer.Abandon();
        }
    }

    /// <summary>
    /// Whether a message will never be taken, and is given up for that. A broker refuses a whole batch for one message, or for its own
    /// size: from then on each goes alone. Under the lock.
    /// </summary>
    private bool GivesUp(T message, Error error, bool isAlone)
    {
        if (error.Code is not (ErrorCode.MsgSizeTooLarge or ErrorCode.InvalidMsg or ErrorCode.InvalidRecord))
            return false;
        if (!isAlone)
        {
            _isCareful = true;
            Become(State.Broken, error); // to be opened again, carefully
            return false;
        }

        _refused.Add(new Refusal(message.Size, error));
        _pending.Finish(message);
        return true;
    }

    /// <summary>The one way from state to state. Under the lock.</summary>
    private void Become(State state, Error? error)
    {
        Debug.Assert((state == State.Well) == (error is null), "a failure has a cause");
        if (state != State.Well && _state == State.Well)
            _failedAt = Stopwatch.GetTimestamp();
        (_state, _error) = (state, error);
        if (state != State.Well)
            Settle();
    }

    private void Settle()
    {
        (var settled, _settled) = (_settled, null);
        settled?.TrySetResult();
    }
}
