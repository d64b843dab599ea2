using AstStream.Events;
using AstStream.Kafka.Cluster;
using AstStream.Kafka.Consuming;
using AstStream.Kafka.Transactions;
using AstStream.Streaming.Pipelines;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace AstStream.Kafka.Producing;

/// <summary>
/// Publishes events, scores and coverage as CloudEvents, or sound as records that a Kafka source reads. Records of streams that are read
/// from the same cluster with exactly-once delivery are committed with their offsets; others are sent at once, and a flush waits until the
/// brokers have them. Sound waits in a spool where there is one.
/// </summary>
internal sealed class KafkaSink : ISink
{
    internal static readonly Key<string?> Topic = Keys.Text("topic", "The topic; the key of a message is the stream.", required: true);
    internal static readonly Key<string> Format = Keys.Choice(
        "format", "CloudEvents 1.0: structured (the default), all in the value as JSON; binary, attributes in headers and the data in "
            + "the value.", "structured", "structured", "binary");
    internal static readonly Key<IReadOnlyList<string>> States = Keys.Choices(
        "states", "Which states of events are published: opened and closed (the default), or one of them.", ["opened", "closed"], "opened",
        "closed");
    internal static readonly Key<string?> EventSource = Keys.Text(
        "event_source", "The CloudEvents attribute source, a URI that tells this pipeline from others; aststream by default.");
    internal static readonly Key<long?> BufferMemory = Keys.Size(
        "buffer_memory", "Messages that may wait for the brokers before everything before the sink waits; 32MB by default.", 1_000_000,
        2_000_000_000);
    internal static readonly Key<string> Encoding = Keys.Choice(
        "encoding", "How sound is written: s16le (the default) or f32le.", "s16le", "s16le", "f32le");
    internal static readonly Key<TimeSpan?> Block = Keys.Duration(
        "block", "How much sound one record holds; 250ms by default.", TimeSpan.FromMilliseconds(10), TimeSpan.FromSeconds(10));
    internal static readonly Key<string?> Spool = Keys.Text(
        "spool", "A file in which sound waits that the brokers do not have after two seconds, or when buffer_memory is full, also while "
            + "the program is down; relative to this file. By default there is none: what comes before the sink waits, and live sources "
            + "lose sound, which is counted.");
    internal static readonly Key<long?> SpoolSize = Keys.Size(
        "spool_size", "How much sound may wait there; the oldest goes when there is more. 1GB by default.", 1_000_000, 10_000_000_000_000);

    /// <summary>The type as pipelines name it.</summary>
    public static readonly SinkType Type = new(
        "kafka", "Publishes events, scores and coverage to a Kafka topic as CloudEvents, or sound as docs/wire-format.md says.",
            [.. KafkaCluster.All, Topic, Format, States, EventSource, BufferMemory, Encoding, Block, Spool, SpoolSize], Create)
    {
        Records = ["events", "coverage", "scores", "audio"],
        Writes = section => section.Get(Spool) is { } path ? section.ResolveLinks(path) : null,
    };

    private static readonly TimeSpan s_drain = TimeSpan.FromSeconds(10); // at the end, before it is tried again
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(5);

    private readonly KafkaCluster _cluster;
    private readonly string _topic;
    private readonly IReadOnlyList<string> _states;
    private readonly long _bufferMemory;
    private readonly CloudEvents _format;
    private readonly Lock _lock = new();
    private readonly LinkedList<Pending> _pending = new(); // messages that the brokers do not have, in order
    private int _inFlight; // of them
    private Error? _error; // of one that was refused
    private bool _isBroken; // the producer can't be used any more
    private int _generation; // of the producer
    private TaskCompletionSource? _settled; // when nothing is in flight any more
    private IProducer<byte[], byte[]?>? _producer;
    private AudioPublisher? _audio;
    private bool _isAnsweredFor; // a message since the last flush is of a stream that somebody answers for
    private Action<string> _warn = _ => { };

    internal KafkaSink(
        KafkaCluster cluster, string topic, bool isBinary = false, string source = "aststream", IReadOnlyList<string>? states = null,
        long bufferMemory = 32_000_000)
    {
        (_cluster, _topic, _bufferMemory, _states) = (cluster, topic, bufferMemory, states ?? ["opened", "closed"]);
        _format = new CloudEvents(source, isBinary);
    }

    public string Description => $"Kafka topic {_topic} at {_cluster.Name}{(Audio is null ? "" : ", sound")}";

    /// <summary>How sound is published; null where none is.</summary>
    internal AudioPublisherOptions? Audio { get; init; }

    public ISinkReport Report
    {
        set => _warn = value.Warn;
    }

    public ValueTask OpenAsync(CancellationToken cancellation)
    {
        if (Audio is not null)
            _audio = new AudioPublisher(Audio, _warn);
        else
            _ = Task.Run(WarnOfCompactionAsync, CancellationToken.None);
        return ValueTask.CompletedTask;
    }

    /// <summary>A topic that keeps only the last message of each key forgets events: their key is the stream.</summary>
    private async Task WarnOfCompactionAsync()
    {
        try
        {
            using var admin = _cluster.Admin();
            var config = await admin.DescribeConfigsAsync([new ConfigResource { Type = ResourceType.Topic, Name = _topic }],
                new DescribeConfigsOptions { RequestTimeout = s_drain }).WaitAsync(2 * s_drain).ConfigureAwait(false);
            if (config[0].Entries.TryGetValue(
                "cleanup.policy", out var policy) && policy.Value.Contains("compact", StringComparison.Ordinal))
                _warn($"topic {_topic} has cleanup.policy={policy.Value}: it keeps only the last event of each stream; expected delete");
        }
        catch (Exception e) when (e is KafkaException or TimeoutException)
        {
            // Not there yet, or not to be looked at: whoever writes to it hears of it.
        }
    }

    public ValueTask WriteAsync(StreamRecord record, CancellationToken cancellation)
    {
        if (record is AudioRecord sound)
        {
            _isAnsweredFor |= sound.Stream.Delivery is not null;
            return _audio!.WriteAsync(sound, cancellation);
        }

        if (record is SoundEvent e && !_states.Contains(e.State.SnakeCase()))
            return ValueTask.CompletedTask;
        if (IDelivery.Of(record) is KafkaStream { IsTransactional: true } stream)
        {
            if (!_cluster.IsIdentified)
                return IdentifyAndWriteAsync(record, cancellation);
            if (stream.IsCommittedAt(_cluster.Identity))
            {
                stream.Publish(record, new Outgoing(_topic, null, _format.Write(record)));
                return ValueTask.CompletedTask;
            }
        }

        var message = _format.Write(record);
        _isAnsweredFor |= IDelivery.Of(record) is not null;
        var node = new LinkedListNode<Pending>(new Pending(message));
        return !HasFailed() && TrySend(node) ? ValueTask.CompletedTask : SendAsync(node, cancellation);
    }

    /// <summary>Whether a stream's cluster is this one is known only when this one has said what it calls itself.</summary>
    private async ValueTask IdentifyAndWriteAsync(StreamRecord record, CancellationToken cancellation)
    {
        try
        {
            await _cluster.IdentifyAsync().WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is KafkaException or TimeoutException)
        {
            throw new SinkException($"{Description}: does not say which cluster it is: {_cluster.Describe(e)}", isTransient: true);
        }

        await WriteAsync(record, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Waits where somebody answers for a stream; other streams do not wait for brokers that are away, as long as there is memory.
    /// </summary>
    public async ValueTask FlushAsync(CancellationToken cancellation)
    {
        if (_isAnsweredFor && _audio is not null)
            await _audio.FlushAsync(cancellation).ConfigureAwait(false);
        else if (_isAnsweredFor || HasFailed())
            await DeliverAsync(Timeout.InfiniteTimeSpan, cancellation).ConfigureAwait(false);
        _isAnsweredFor = false;
    }

    public async ValueTask CompleteAsync(CancellationToken cancellation)
    {
        if (_audio is not null)
            await _audio.CompleteAsync(cancellation).ConfigureAwait(false);
        await DeliverAsync(s_drain, cancellation).ConfigureAwait(false);
    }

    private bool HasFailed()
    {
        lock (_lock)
            return _error is not null;
    }

    /// <summary>Waits until the brokers have everything; what they refused goes again.</summary>
    private async ValueTask DeliverAsync(TimeSpan patience, CancellationToken cancellation)
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
                $"{Description}: {_inFlight} messages are not delivered after {patience.TotalSeconds} s", isTransient: true);
        }

        lock (_lock)
        {
            if (_error is { } error)
                throw new SinkException($"{Description}: {_cluster.Describe(error)}", isTransient: true);
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

    public async ValueTask DisposeAsync()
    {
        if (_audio is not null)
            await _audio.DisposeAsync().ConfigureAwait(false);
        if (_producer is { } producer)
            HangGuard.Run($"{Description}: Dispose", 3 * s_drain, producer.Dispose);
        _producer = null;
        _format.Dispose();
    }

    private static KafkaSink Create(SectionReader section)
    {
        var cluster = KafkaCluster.Read(section);
        var topic = section.Get(Topic) ?? "";
        var memory = section.Get(BufferMemory) ?? 32_000_000;
        return new KafkaSink(
            cluster, topic, section.Get(Format) == "binary", section.Get(EventSource) ?? "aststream", section.Get(States),
            memory)
        { Audio = ReadAudio(section, cluster, topic, memory) };
    }

    private static AudioPublisherOptions? ReadAudio(SectionReader section, KafkaCluster cluster, string topic, long memory)
    {
        if (!section.Records.Contains("audio"))
        {
            section.Shared<KafkaPlan>().Sinks.Add(cluster);
            foreach (var key in (Key[])[Encoding, Block, Spool, SpoolSize])
            {
                if (section.Has(key))
                    section.Problem(key, "is for sound; this sink takes none (records: audio)");
            }

            return null;
        }

        if (section.Records.Count > 1)
            section.Problem(Topic, "sound needs a topic, and so a sink, of its own; expected records: audio and nothing else");
        var options = new AudioPublisherOptions
        {
            Cluster = cluster,
            Topic = topic,
            IsFloat = section.Get(Encoding) == "f32le",
            Memory = memory,
            Spool = section.Get(Spool) is { } path ? section.Resolve(path) : null
        };
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

            (_producer ??= Open()).Produce(_topic, node.Value.Message, report => Delivered(node, generation, report.Error));
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
            throw new SinkException($"{Description}: {_cluster.Describe(e.Error)}", isTransient: e.Error.Code != ErrorCode.MsgSizeTooLarge);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            TakeBack(node, isNew, null);
            throw new SinkException($"{Description}: {_cluster.Describe(e.Message)}");
        }
    }

    /// <summary>The same for a message that finds no room, or comes after some that were refused.</summary>
    private async ValueTask SendAsync(LinkedListNode<Pending> node, CancellationToken cancellation)
    {
        while (true)
        {
            if (HasFailed())
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
