using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace AstStream.Connectors.Kafka;

/// <summary>Where the last owner of a partition left it.</summary>
/// <param name="Offset">The committed offset, or where to begin where there is none.</param>
/// <param name="IsCommitted">Whether it was committed.</param>
/// <param name="States">The states of its streams.</param>
internal sealed record PartitionState(long Offset, bool IsCommitted, IReadOnlyDictionary<string, byte[]> States);

/// <summary>Commits to Kafka and reads what was committed.</summary>
internal sealed class KafkaLog : IDeliveryLog
{
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(3); // at what need not be known
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30); // of one request
    private static readonly TimeSpan s_transaction = TimeSpan.FromSeconds(30); // after which the broker gives a transaction up

    private readonly KafkaCluster _cluster;
    private readonly string _group;
    private readonly string? _transactionalId;
    private readonly bool _startsAtEnd;
    private readonly Action<IReadOnlyList<TopicPartitionOffset>> _commitOffsets;
    private readonly List<Error> _failures = [];
    private IProducer<byte[], byte[]?>? _producer;

    /// <summary>Makes a log.</summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="group">The consumer group.</param>
    /// <param name="transactionalId">The producer's name for transactions; null where there are none, and offsets are committed last.</param>
    /// <param name="startsAtEnd">Whether a partition that nobody has read begins at its end.</param>
    /// <param name="commitOffsets">Commits offsets without a transaction.</param>
    public KafkaLog(KafkaCluster cluster, string group, string? transactionalId, bool startsAtEnd, Action<IReadOnlyList<TopicPartitionOffset>> commitOffsets)
    {
        (_cluster, _group, _transactionalId, _startsAtEnd, _commitOffsets) = (cluster, group, transactionalId, startsAtEnd, commitOffsets);
    }

    public void Commit(IReadOnlyList<Outgoing> messages, IReadOnlyList<TopicPartitionOffset> offsets, IConsumerGroupMetadata membership)
    {
        lock (_failures)
            _failures.Clear();
        try
        {
            var producer = _producer ??= Open();
            if (_transactionalId is not null)
                producer.BeginTransaction();
            foreach (var message in messages)
                Produce(producer, message);
            if (_transactionalId is null)
            {
                if (producer.Flush(s_patience) > 0)
                    throw new KafkaException(new Error(ErrorCode.Local_TimedOut, $"messages are not delivered after {s_patience.TotalSeconds} s"));
                ThrowFailures();
                _commitOffsets(offsets);
                return;
            }

            if (offsets.Count > 0)
                producer.SendOffsetsToTransaction(offsets, membership, s_patience);
            producer.CommitTransaction(s_transaction);
        }
        catch (KafkaTxnRequiresAbortException)
        {
            Abort();
            throw;
        }
        catch
        {
            Dispose(); // the next one makes sure that the transaction is over
            throw;
        }
    }

    /// <summary>Reads where the last owners left partitions. Waits until no transaction of theirs is under way.</summary>
    /// <exception cref="KafkaException">It can't be read.</exception>
    public Dictionary<TopicPartition, PartitionState> Load(IReadOnlyList<TopicPartition> partitions, string stateTopic, CancellationToken cancellation)
    {
        using var reader = _cluster.Consumer<byte[], byte[]?>(new ConsumerConfig
        {
            GroupId = _group,
            EnableAutoCommit = false,
            EnableAutoOffsetStore = false,
            EnablePartitionEof = true,
            AutoOffsetReset = AutoOffsetReset.Earliest,
            IsolationLevel = IsolationLevel.ReadCommitted,
        });
        Dictionary<TopicPartition, PartitionState> loaded = [];
        var committed = reader.Committed(partitions, s_patience);
        var states = ReadStates(reader, [.. partitions.Select(p => p.Partition.Value).Distinct()], stateTopic, cancellation);
        foreach (var known in committed)
        {
            if (known.Offset != Offset.Unset)
            {
                loaded[known.TopicPartition] = new PartitionState(known.Offset, true, states[known.Partition.Value]);
                continue;
            }

            var marks = reader.QueryWatermarkOffsets(known.TopicPartition, s_patience);
            loaded[known.TopicPartition] = new PartitionState(_startsAtEnd ? marks.High : marks.Low, false, states[known.Partition.Value]);
        }

        return loaded;
    }

    /// <summary>
    /// Makes sure that the state topic is there and has a partition for each of the input's, and that there is somewhere for records to go that
    /// can't be used. One topic is never asked for by its name: that may make it, with the broker's defaults.
    /// </summary>
    /// <returns>What a person should look at; null where all is well.</returns>
    public string? EnsureTopics(string stateTopic, int partitions, IEnumerable<string> letterTopics)
    {
        using var admin = _cluster.Admin();
        var there = admin.GetMetadata(s_patience).Topics.Where(t => t.Error.Code == ErrorCode.NoError).ToDictionary(t => t.Topic, t => t.Partitions.Count);
        if (!there.TryGetValue(stateTopic, out var found))
            Create(admin, new TopicSpecification { Name = stateTopic, NumPartitions = partitions, ReplicationFactor = -1, Configs = new() { ["cleanup.policy"] = "compact" } });
        else if (found < partitions)
            admin.CreatePartitionsAsync([new PartitionsSpecification { Topic = stateTopic, IncreaseTo = partitions }]).GetAwaiter().GetResult();
        foreach (var topic in letterTopics.Distinct().Where(t => !there.ContainsKey(t)))
            Create(admin, new TopicSpecification { Name = topic, NumPartitions = 1, ReplicationFactor = -1 });
        try
        {
            var policy = admin.DescribeConfigsAsync([new ConfigResource { Type = ResourceType.Topic, Name = stateTopic }], new DescribeConfigsOptions { RequestTimeout = s_look }).GetAwaiter().GetResult()[0].Entries["cleanup.policy"].Value;
            return policy.Contains("compact", StringComparison.Ordinal) ? null : $"topic {stateTopic} has cleanup.policy={policy}; expected compact: it will grow, and lose what streams that rest need";
        }
        catch (KafkaException)
        {
            return null; // not allowed to look
        }
    }

    /// <summary>Makes a topic. One that is there is there; where it may not be made, whoever writes to it says so.</summary>
    private static void Create(IAdminClient admin, TopicSpecification topic)
    {
        try
        {
            admin.CreateTopicsAsync([topic], new CreateTopicsOptions { RequestTimeout = s_patience }).GetAwaiter().GetResult();
        }
        catch (CreateTopicsException e) when (e.Results.All(r => r.Error.Code is ErrorCode.TopicAlreadyExists or ErrorCode.TopicAuthorizationFailed or ErrorCode.ClusterAuthorizationFailed))
        {
            // Another worker was faster, or a person does it.
        }
    }

    public void Dispose()
    {
        _producer?.Dispose();
        _producer = null;
    }

    /// <summary>The last state of every key, of some of the state topic's partitions.</summary>
    private Dictionary<int, Dictionary<string, byte[]>> ReadStates(IConsumer<byte[], byte[]?> reader, IReadOnlyList<int> numbers, string stateTopic, CancellationToken cancellation)
    {
        var states = numbers.ToDictionary(n => n, _ => new Dictionary<string, byte[]>(StringComparer.Ordinal));
        var ends = new Dictionary<int, long>();

        // The end that counts is that of everything that was written: up to it, transactions must be over before it is read.
        using (var uncommitted = _cluster.Consumer<Ignore, Ignore>(new ConsumerConfig { GroupId = _group, EnableAutoCommit = false, IsolationLevel = IsolationLevel.ReadUncommitted }))
        {
            foreach (var number in numbers)
            {
                var marks = uncommitted.QueryWatermarkOffsets(new TopicPartition(stateTopic, number), s_patience);
                if (marks.High > marks.Low)
                    ends[number] = marks.High;
            }
        }

        reader.Assign(ends.Keys.Select(n => new TopicPartitionOffset(stateTopic, n, Offset.Beginning)));
        while (ends.Count > 0)
        {
            cancellation.ThrowIfCancellationRequested();
            if (reader.Consume(TimeSpan.FromMilliseconds(100)) is not { } result)
                continue;
            if (result.IsPartitionEOF)
            {
                if (ends.TryGetValue(result.Partition.Value, out var end) && result.Offset >= end)
                    ends.Remove(result.Partition.Value);
                continue;
            }

            var key = System.Text.Encoding.UTF8.GetString(result.Message.Key ?? []);
            if (result.Message.Value is { } value)
                states[result.Partition.Value][key] = value;
            else
                states[result.Partition.Value].Remove(key);
        }

        reader.Unassign();
        return states;
    }

    private IProducer<byte[], byte[]?> Open()
    {
        var config = new ProducerConfig { EnableIdempotence = true, LingerMs = 0 };
        if (_transactionalId is not null)
        {
            config.TransactionalId = _transactionalId;
            config.TransactionTimeoutMs = (int)s_transaction.TotalMilliseconds;
        }

        var producer = _cluster.Producer<byte[], byte[]?>(config);
        try
        {
            if (_transactionalId is not null)
                producer.InitTransactions(s_patience);
            return producer;
        }
        catch
        {
            producer.Dispose();
            throw;
        }
    }

    private void Produce(IProducer<byte[], byte[]?> producer, Outgoing message)
    {
        while (true)
        {
            try
            {
                if (message.Partition is { } number)
                    producer.Produce(new TopicPartition(message.Topic, number), message.Message, Delivered);
                else
                    producer.Produce(message.Topic, message.Message, Delivered);
                return;
            }
            catch (ProduceException<byte[], byte[]?> e) when (e.Error.Code == ErrorCode.Local_QueueFull)
            {
                producer.Poll(TimeSpan.FromMilliseconds(10));
            }
        }
    }

    private void Delivered(DeliveryReport<byte[], byte[]?> report)
    {
        if (!report.Error.IsError)
            return;
        lock (_failures)
            _failures.Add(report.Error);
    }

    private void ThrowFailures()
    {
        lock (_failures)
        {
            if (_failures.Count == 0)
                return;
            var first = _failures[0];
            _failures.Clear();
            throw new KafkaException(first);
        }
    }

    private void Abort()
    {
        try
        {
            _producer!.AbortTransaction(s_patience);
        }
        catch (KafkaException)
        {
            Dispose();
        }
    }
}
