using AstStream.Streaming;
using AstStream.Streaming.Pipelines;
using Confluent.Kafka;

namespace AstStream.Connectors.Kafka;

/// <summary>
/// Publishes events, scores and coverage as CloudEvents, or sound as records that a Kafka source reads. Records of streams that are read from the same cluster with exactly-once delivery are committed with their
/// offsets; others are sent at once, and a flush waits until the brokers have them. Sound waits in a spool where there is one.
/// </summary>
internal sealed class KafkaSink : ISink
{
    internal static readonly Key<string?> Topic = Keys.Text("topic", "The topic; the key of a message is the stream.", required: true);
    internal static readonly Key<string> Format = Keys.Choice("format", "CloudEvents 1.0: structured (the default), all in the value as JSON; binary, attributes in headers and the data in the value.", "structured", "structured", "binary");
    internal static readonly Key<IReadOnlyList<string>> States = Keys.Choices("states", "Which states of events are published: opened and closed (the default), or one of them.", ["opened", "closed"], "opened", "closed");
    internal static readonly Key<string?> EventSource = Keys.Text("event_source", "The CloudEvents attribute source, a URI that tells this pipeline from others; aststream by default.");
    internal static readonly Key<long?> BufferMemory = Keys.Size("buffer_memory", "Messages that may wait for the brokers before everything before the sink waits; 32MB by default.", 1_000_000, 2_000_000_000);

    internal static readonly Key<string> Encoding = Keys.Choice("encoding", "How sound is written: s16le (the default) or f32le.", "s16le", "s16le", "f32le");
    internal static readonly Key<TimeSpan?> Block = Keys.Duration("block", "How much sound one record holds; 250ms by default.", TimeSpan.FromMilliseconds(10), TimeSpan.FromSeconds(10));
    internal static readonly Key<string?> Spool = Keys.Text("spool", "A file in which sound waits that the brokers do not have after two seconds, or when buffer_memory is full, also while the program is down; relative to this file. By default there is none: what comes before the sink waits, and live sources lose sound, which is counted.");
    internal static readonly Key<long?> SpoolSize = Keys.Size("spool_size", "How much sound may wait there; the oldest goes when there is more. 1GB by default.", 1_000_000, 10_000_000_000_000);

    /// <summary>The type as pipelines name it.</summary>
    public static readonly SinkType Type = new(
        "kafka", "Publishes events, scores and coverage to a Kafka topic as CloudEvents, or sound as docs/wire-format.md says.", [.. KafkaCluster.All, Topic, Format, States, EventSource, BufferMemory, Encoding, Block, Spool, SpoolSize], Create)
    {
        Records = ["events", "coverage", "scores", "audio"],
        Writes = section => section.Get(Spool) is { } path ? section.ResolveLinks(path) : null,
    };

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
    private AudioPublisher? _audio;
    private Action<string> _warn = _ => { };

    internal KafkaSink(KafkaCluster cluster, string topic, bool isBinary = false, string source = "aststream", IReadOnlyList<string>? states = null, long bufferMemory = 32_000_000)
    {
        (_cluster, _topic, _bufferMemory, _states) = (cluster, topic, bufferMemory, states ?? ["opened", "closed"]);
        _format = new CloudEvents(source, isBinary);
    }

    public string Description => $"Kafka topic {_topic} at {_cluster.Name}{(Audio is null ? "" : ", sound")}";

    /// <summary>How sound is published; null where none is.</summary>
    internal AudioPublisherOptions? Audio { get; init; }

    public Action<string> Warn
    {
        set => _warn = value;
    }

    public ValueTask OpenAsync(CancellationToken cancellation)
    {
        if (Audio is not null)
            _audio = new AudioPublisher(Audio, _warn);
        return ValueTask.CompletedTask;
    }

    public ValueTask WriteAsync(StreamRecord record, CancellationToken cancellation)
    {
        if (record is AudioRecord sound)
            return _audio!.WriteAsync(sound, cancellation);
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
        if (_audio is not null)
            await _audio.FlushAsync(cancellation).ConfigureAwait(false);
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

    public async ValueTask DisposeAsync()
    {
        if (_audio is not null)
            await _audio.DisposeAsync().ConfigureAwait(false);
        _producer?.Dispose();
        _producer = null;
        _format.Dispose();
    }

    private static KafkaSink Create(SectionReader section)
    {
        var cluster = KafkaCluster.Read(section);
        var topic = section.Get(Topic) ?? "";
        var memory = section.Get(BufferMemory) ?? 32_000_000;
        return new KafkaSink(cluster, topic, section.Get(Format) == "binary", section.Get(EventSource) ?? "aststream", section.Get(States), memory) { Audio = ReadAudio(section, cluster, topic, memory) };
    }

    private static AudioPublisherOptions? ReadAudio(SectionReader section, KafkaCluster cluster, string topic, long memory)
    {
        if (!section.Records.Contains("audio"))
        {
            section.Shared<KafkaPlan>().Sinks.Add(cluster.Name);
            foreach (var key in (Key[])[Encoding, Block, Spool, SpoolSize])
            {
                if (section.Has(key))
                    section.Problem(key, "is for sound; this sink takes none (records: audio)");
            }

            return null;
        }

        if (section.Records.Count > 1)
            section.Problem(Topic, "sound needs a topic, and so a sink, of its own; expected records: audio and nothing else");
        var options = new AudioPublisherOptions { Cluster = cluster, Topic = topic, IsFloat = section.Get(Encoding) == "f32le", Memory = memory, Spool = section.Get(Spool) is { } path ? section.Resolve(path) : null };
        return options with { Block = section.Get(Block) ?? options.Block, SpoolSize = section.Get(SpoolSize) ?? options.SpoolSize };
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
