using AstStream.Streaming;
using AstStream.Streaming.Pipelines;
using Confluent.Kafka;

namespace AstStream.Connectors.Kafka;

/// <summary>
/// Publishes records as CloudEvents. Those of streams that are read from the same cluster with exactly-once delivery are committed with their
/// offsets; others are sent at once, and a flush waits until the brokers have them.
/// </summary>
internal sealed class KafkaSink : ISink
{
    internal static readonly Key<string?> Topic = Keys.Text("topic", "The topic; the key of a message is the stream.", required: true);
    internal static readonly Key<string> Format = Keys.Choice("format", "CloudEvents 1.0: structured (the default), all in the value as JSON; binary, attributes in headers and the data in the value.", "structured", "structured", "binary");
    internal static readonly Key<IReadOnlyList<string>> States = Keys.Choices("states", "Which states of events are published: opened and closed (the default), or one of them.", ["opened", "closed"], "opened", "closed");
    internal static readonly Key<string?> EventSource = Keys.Text("event_source", "The CloudEvents attribute source, a URI that tells this pipeline from others; aststream by default.");
    internal static readonly Key<long?> BufferMemory = Keys.Size("buffer_memory", "Messages that may wait for the brokers before everything before the sink waits; 32MB by default.", 1_000_000, 2_000_000_000);

    /// <summary>The type as pipelines name it.</summary>
    public static readonly SinkType Type = new(
        "kafka", "Publishes events and coverage to a Kafka topic as CloudEvents.", [.. KafkaCluster.All, Topic, Format, States, EventSource, BufferMemory], Create);

    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(5);

    private readonly KafkaCluster _cluster;
    private readonly string _topic;
    private readonly IReadOnlyList<string> _states;
    private readonly long _bufferMemory;
    private readonly CloudEvents _format;
    private readonly Lock _lock = new();
    private readonly List<Message<byte[], byte[]?>> _failed = []; // that are to be sent again
    private Error? _error;
    private TaskCompletionSource? _delivered; // of a flush that waits
    private int _waiting; // messages that the brokers do not have
    private IProducer<byte[], byte[]?>? _producer;

    internal KafkaSink(KafkaCluster cluster, string topic, bool isBinary = false, string source = "aststream", IReadOnlyList<string>? states = null, long bufferMemory = 32_000_000)
    {
        (_cluster, _topic, _bufferMemory, _states) = (cluster, topic, bufferMemory, states ?? ["opened", "closed"]);
        _format = new CloudEvents(source, isBinary);
    }

    public string Description => $"Kafka topic {_topic} at {_cluster.Name}";

    public ValueTask OpenAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

    public ValueTask WriteAsync(StreamRecord record, CancellationToken cancellation)
    {
        if (record is SoundEvent e && !_states.Contains(e.State.SnakeCase()))
            return ValueTask.CompletedTask;
        var message = _format.Write(record);
        if (record.Stream.Delivery is KafkaStream stream && stream.IsCommittedAt(_cluster.Name))
        {
            stream.Publish(record, new Outgoing(_topic, null, message));
            return ValueTask.CompletedTask;
        }

        return TrySend(message) ? ValueTask.CompletedTask : SendAsync(message, cancellation);
    }

    public async ValueTask FlushAsync(CancellationToken cancellation)
    {
        List<Message<byte[], byte[]?>> again;
        lock (_lock)
        {
            again = [.. _failed];
            _failed.Clear();
            _error = null;
        }

        foreach (var message in again)
            await SendAsync(message, cancellation).ConfigureAwait(false);
        Task? wait = null;
        lock (_lock)
        {
            if (_waiting > 0)
                wait = (_delivered ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }

        if (wait is not null)
            await wait.WaitAsync(cancellation).ConfigureAwait(false);
        lock (_lock)
        {
            if (_error is { } error)
                throw new SinkException($"{Description}: {_cluster.Describe(error)}", isTransient: true);
        }
    }

    public ValueTask DisposeAsync()
    {
        _producer?.Dispose();
        _producer = null;
        _format.Dispose();
        return ValueTask.CompletedTask;
    }

    private static KafkaSink Create(SectionReader section)
    {
        var cluster = KafkaCluster.Read(section);
        section.Shared<KafkaPlan>().Sinks.Add(cluster.Name);
        return new KafkaSink(
            cluster, section.Get(Topic) ?? "", section.Get(Format) == "binary", section.Get(EventSource) ?? "aststream", section.Get(States), section.Get(BufferMemory) ?? 32_000_000);
    }

    private IProducer<byte[], byte[]?> Open()
    {
        // A broker that is away for long must not cost events: they wait, and what comes after them waits too.
        var config = new ProducerConfig
        {
            EnableIdempotence = true,
            LingerMs = 2,
            MessageTimeoutMs = 0,
            QueueBufferingMaxKbytes = (int)(_bufferMemory / 1000),
            QueueBufferingMaxMessages = 10_000_000,
        };
        return _cluster.Producer<byte[], byte[]?>(config);
    }

    private bool TrySend(Message<byte[], byte[]?> message)
    {
        try
        {
            lock (_lock)
                _waiting++;
            (_producer ??= Open()).Produce(_topic, message, Delivered);
            return true;
        }
        catch (ProduceException<byte[], byte[]?> e)
        {
            Count();
            if (e.Error.Code == ErrorCode.Local_QueueFull)
                return false;
            throw new SinkException($"{Description}: {_cluster.Describe(e.Error)}", isTransient: !e.Error.IsFatal && e.Error.Code != ErrorCode.MsgSizeTooLarge);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            Count();
            throw new SinkException($"{Description}: {_cluster.Describe(e.Message)}");
        }
    }

    private async ValueTask SendAsync(Message<byte[], byte[]?> message, CancellationToken cancellation)
    {
        while (!TrySend(message))
            await Task.Delay(s_look, cancellation).ConfigureAwait(false);
    }

    private void Delivered(DeliveryReport<byte[], byte[]?> report)
    {
        if (report.Error.IsError)
        {
            lock (_lock)
            {
                _failed.Add(report.Message);
                _error = report.Error;
            }
        }

        Count();
    }

    private void Count()
    {
        TaskCompletionSource? delivered = null;
        lock (_lock)
        {
            if (--_waiting == 0)
                (delivered, _delivered) = (_delivered, null);
        }

        delivered?.TrySetResult();
    }
}
