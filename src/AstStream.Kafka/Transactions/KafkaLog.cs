using AstStream.Kafka.Cluster;
using AstStream.Streaming.Telemetry;
using Confluent.Kafka;

namespace AstStream.Kafka.Transactions;

/// <summary>Commits to Kafka and reads what was committed.</summary>
internal sealed class KafkaLog : IDeliveryLog
{
    /// <summary>The header of a state that says whose it is: by what name its writer's transactions are known.</summary>
    public const string OwnerHeader = "owner";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30); // of one request
    private static readonly TimeSpan s_step = TimeSpan.FromSeconds(15); // of one step of a transaction
    private static readonly TimeSpan s_transaction = TimeSpan.FromSeconds(30); // after which the broker gives a transaction up
    private static readonly TimeSpan s_stable = TimeSpan.FromSeconds(1); // that a former owner's transaction may last

    private readonly KafkaCluster _cluster;
    private readonly string _group;
    private readonly string? _transactionalId;
    private readonly bool _startsAtEnd;
    private readonly Action<IReadOnlyList<TopicPartitionOffset>> _commitOffsets;
    private readonly Func<ProducerConfig, IProducer<byte[], byte[]?>> _open;
    private readonly ReopeningProducer _producer;
    private readonly TimeSpan _slack; // beyond a call's own time limit, until it counts as hanging
    private readonly List<Error> _failures = [];
    private readonly KafkaTopics _topics;

    /// <summary>Makes a log.</summary>
    /// <param name="cluster">The cluster.</param>
    /// <param name="group">The consumer group.</param>
    /// <param name="transactionalId">
    /// The producer's name for transactions; null where there are none, and offsets are committed last.
    /// </param>
    /// <param name="startsAtEnd">Whether a partition that nobody has read begins at its end.</param>
    /// <param name="commitOffsets">Commits offsets without a transaction.</param>
    /// <param name="open">Makes the producer; the cluster does by default.</param>
    /// <param name="slack">How long a call may go on beyond its own time limit before it counts as hanging; 10 s by default.</param>
    public KafkaLog(
        KafkaCluster cluster, string group, string? transactionalId, bool startsAtEnd,
            Action<IReadOnlyList<TopicPartitionOffset>> commitOffsets,
        Func<ProducerConfig, IProducer<byte[], byte[]?>>? open = null, TimeSpan? slack = null)
    {
        (_cluster, _group, _transactionalId, _startsAtEnd, _commitOffsets) = (cluster, group, transactionalId, startsAtEnd, commitOffsets);
        _open = open ?? cluster.Producer<byte[], byte[]?>;
        _slack = slack ?? TimeSpan.FromSeconds(10);
        _topics = new KafkaTopics(cluster, group, _slack);
        _producer = new ReopeningProducer($"Kafka at {cluster.Name}, group {group}", s_step + _slack, Open);
    }

    /// <summary>The producer's name for transactions; null where there are none.</summary>
    public string? TransactionalId => _transactionalId;

    public void Commit(IReadOnlyList<Outgoing> messages, IReadOnlyList<TopicPartitionOffset> offsets, IConsumerGroupMetadata membership)
    {
        lock (_failures)
            _failures.Clear();
        try
        {
            var producer = _producer.Current;
            if (_transactionalId is not null)
                Guarded("BeginTransaction", s_step, producer.BeginTransaction);
            foreach (var message in messages)
                Produce(message);
            if (_transactionalId is null)
            {
                if (HangGuard.Run(Named("Flush"), s_patience + _slack, () => producer.Flush(s_patience)) > 0)
                    throw new KafkaException(
                        new Error(ErrorCode.Local_TimedOut, $"messages are not delivered after {s_patience.TotalSeconds} s"));
                ThrowFailures(static _ => true);
                Guarded("Commit", s_patience, () => _commitOffsets(offsets));
                return;
            }

            if (offsets.Count > 0)
                Guarded("SendOffsetsToTransaction", s_step, () => producer.SendOffsetsToTransaction(offsets, membership, s_step));
            Guarded("CommitTransaction", s_step, () => producer.CommitTransaction(s_step));
        }
        catch (KafkaTxnRequiresAbortException)
        {
            Abort();
            ThrowFailures(e => e.IsBrokerError); // the cause, by its topic; what is purged by it says nothing
            throw;
        }
        catch
        {
            Dispose(); // the next one makes sure that the transaction is over
            throw;
        }
    }

    /// <summary>Opens the producer, ahead of its first use.</summary>
    public void Prepare()
    {
        if (_transactionalId is not null)
            _ = _producer.Current;
    }

    /// <summary>
    /// Reads where the last owners left partitions. Waits until no transaction of theirs is under way; one that lasts longer than
    /// <paramref name="patience"/> (1 s by default), as a dead owner has left it, is ended.
    /// </summary>
    /// <exception cref="KafkaException">It can't be read.</exception>
    public Dictionary<TopicPartition, PartitionState> Load(
        IReadOnlyList<TopicPartition> partitions, string stateTopic, CancellationToken cancellation, TimeSpan? patience = null)
    {
        if (_transactionalId is not null)
            _ = _producer.Current; // to begin with a name ends the transaction that it has left open
        try
        {
            return LoadStable(partitions, stateTopic, patience ?? s_stable, cancellation);
        }
        catch (KafkaException e) when (e.Error.Code == ErrorCode.Local_TimedOut && _transactionalId is not null)
        {
            Fence(partitions, stateTopic, cancellation);
            return LoadStable(partitions, stateTopic, s_patience, cancellation);
        }
    }

    private Dictionary<TopicPartition, PartitionState> LoadStable(
        IReadOnlyList<TopicPartition> partitions, string stateTopic, TimeSpan patience, CancellationToken cancellation)
    {
        using var reader = _cluster.Consumer<byte[], byte[]?>(Reading(IsolationLevel.ReadCommitted));
        Dictionary<TopicPartition, PartitionState> loaded = [];
        var committed = HangGuard.Run(Named("Committed"), s_patience + _slack, () => reader.Committed(partitions, patience));
        var states = ReadStates(reader, [.. partitions.Select(p => p.Partition.Value).Distinct()], stateTopic, patience, cancellation);
        foreach (var known in committed)
        {
            if (known.Offset != Offset.Unset)
            {
                loaded[known.TopicPartition] = new PartitionState(known.Offset, true, states[known.Partition.Value]);
                continue;
            }

            // A partition that has come meanwhile has only what came meanwhile: nothing of it is too old.
            var marks = HangGuard.Run(
                Named("QueryWatermarkOffsets"), s_patience + _slack, () => reader.QueryWatermarkOffsets(known.TopicPartition, s_patience));
            var hasGrown = _topics.HasGrown(known.TopicPartition);
            loaded[known.TopicPartition] = new PartitionState(
                _startsAtEnd && !hasGrown ? marks.High : marks.Low, false, states[known.Partition.Value]);
        }

        return loaded;
    }

    /// <summary>
    /// Ends the transactions that former owners of partitions have left open: they are dead, or have lost the partitions, and nobody can
    /// read what is after their transactions until the brokers give them up. Their states say by what names these are known.
    /// </summary>
    private void Fence(IReadOnlyList<TopicPartition> partitions, string stateTopic, CancellationToken cancellation)
    {
        using var reader = _cluster.Consumer<Ignore, Ignore>(Reading(IsolationLevel.ReadUncommitted));
        var left = partitions.Select(p => p.Partition.Value).ToHashSet();
        var owners = new Dictionary<int, string>();
        reader.Assign(left.Select(n => new TopicPartitionOffset(stateTopic, n, Offset.Beginning)));
        var began = TimeProvider.System.GetTimestamp();
        while (left.Count > 0 && TimeProvider.System.GetElapsedTime(began) < s_patience)
        {
            cancellation.ThrowIfCancellationRequested();
            if (reader.Consume(TimeSpan.FromMilliseconds(100)) is not { } result)
                continue;
            if (result.IsPartitionEOF)
                left.Remove(result.Partition.Value);
            else if (result.Message.Headers.TryGetLastBytes(OwnerHeader, out var owner))
                owners[result.Partition.Value] = System.Text.Encoding.UTF8.GetString(owner);
        }

        var former = owners.Values.Distinct().Where(o => o != _transactionalId && o.StartsWith(_group + "-", StringComparison.Ordinal));
        foreach (var owner in former)
        {
            using var fence = _open(Settings(owner));
            Guarded("InitTransactions", s_step, () => fence.InitTransactions(s_step));
        }
    }

    /// <summary>Whether a topic had one partition alone when it was first seen.</summary>
    public bool HasOnePartition(string topic) => _topics.HasOne(topic);

    /// <summary>Makes sure that the topics are there that workers need; see <see cref="KafkaTopics.EnsureAsync"/>.</summary>
    public Task<string?> EnsureTopicsAsync(string stateTopic, int partitions, IEnumerable<string> letterTopics) =>
        _topics.EnsureAsync(stateTopic, partitions, letterTopics);

    public void Dispose() => _producer.Close();

    /// <summary>The last state of every key, of some of the state topic's partitions.</summary>
    private Dictionary<int, Dictionary<string, byte[]>> ReadStates(
        IConsumer<byte[], byte[]?> reader, IReadOnlyList<int> numbers, string stateTopic, TimeSpan patience, CancellationToken cancellation)
    {
        var states = numbers.ToDictionary(n => n, _ => new Dictionary<string, byte[]>(StringComparer.Ordinal));
        var ends = new Dictionary<int, long>();

        // The end that counts is that of everything that was written: up to it, transactions must be over before it is read.
        using (var uncommitted = _cluster.Consumer<Ignore, Ignore>(new ConsumerConfig
        {
            GroupId = _group,
            EnableAutoCommit = false,
            IsolationLevel = IsolationLevel.ReadUncommitted,
        }))
        {
            foreach (var number in numbers)
            {
                var marks = HangGuard.Run(
                    Named("QueryWatermarkOffsets"), s_patience + _slack, () => Marks(uncommitted, new TopicPartition(stateTopic, number)));
                if (marks.High > marks.Low)
                    ends[number] = marks.High;
            }
        }

        reader.Assign(ends.Keys.Select(n => new TopicPartitionOffset(stateTopic, n, Offset.Beginning)));
        var progress = TimeProvider.System.GetTimestamp();
        while (ends.Count > 0)
        {
            cancellation.ThrowIfCancellationRequested();
            if (reader.Consume(TimeSpan.FromMilliseconds(50)) is not { } result)
            {
                KafkaCluster.Nudge(reader, new TopicPartition(stateTopic, ends.Keys.First()));
                if (TimeProvider.System.GetElapsedTime(progress) > patience)
                    throw new KafkaException(new Error(ErrorCode.Local_TimedOut, $"topic {stateTopic} can't be read to its end: a "
                        + $"transaction of another worker's is still open, or no broker answers"));
                continue;
            }

            if (!result.IsPartitionEOF)
                progress = TimeProvider.System.GetTimestamp();
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

    private static WatermarkOffsets Marks(IConsumer<Ignore, Ignore> consumer, TopicPartition partition)
    {
        try
        {
            return consumer.QueryWatermarkOffsets(partition, s_patience);
        }
        catch (KafkaException e) when (e.Error.Code == ErrorCode.Local_UnknownPartition)
        {
            throw new KafkaException(new Error(e.Error.Code, $"topic {partition.Topic} has no partition {partition.Partition.Value} that "
                + $"this user may see; it needs READ, WRITE and DESCRIBE on it"));
        }
    }

    /// <summary>How topics are read from their beginning to their end, without a part in the group.</summary>
    private ConsumerConfig Reading(IsolationLevel level) => new()
    {
        GroupId = _group,
        EnableAutoCommit = false,
        EnableAutoOffsetStore = false,
        EnablePartitionEof = true,
        FetchWaitMaxMs = 20, // the end is reported when a fetch finds nothing
        AutoOffsetReset = AutoOffsetReset.Earliest,
        IsolationLevel = level,
    };

    private static ProducerConfig Settings(string? transactionalId)
    {
        var config = new ProducerConfig { EnableIdempotence = true, LingerMs = 0 };
        if (transactionalId is not null)
        {
            config.TransactionalId = transactionalId;
            config.TransactionTimeoutMs = (int)s_transaction.TotalMilliseconds;
        }

        return config;
    }

    /// <summary>A producer; one with a name for transactions ends the one that the name has left open.</summary>
    private IProducer<byte[], byte[]?> Open()
    {
        var producer = _open(Settings(_transactionalId));
        try
        {
            if (_transactionalId is not null)
                Guarded("InitTransactions", s_step, () => producer.InitTransactions(s_step));
            return producer;
        }
        catch
        {
            Guarded("Dispose", s_step, producer.Dispose);
            throw;
        }
    }

    private string Named(string call) => $"Kafka at {_cluster.Name}, group {_group}: {call}";

    /// <summary>A call of librdkafka's with a time limit of its own, which it does not always keep (librdkafka, issue 5456).</summary>
    private void Guarded(string call, TimeSpan limit, Action action) => HangGuard.Run(Named(call), limit + _slack, action);

    private void Produce(Outgoing message)
    {
        try
        {
            var destination = new TopicPartition(message.Topic, message.Partition is { } number ? number : Partition.Any);
            while (!_producer.TryProduce(destination, message.Message, (error, _) => Delivered(message.Topic, error)))
                _producer.Current.Poll(TimeSpan.FromMilliseconds(10));
        }
        catch (ProduceException<byte[], byte[]?> e)
        {
            throw new KafkaException(Of(message.Topic, e.Error), e);
        }
    }

    private static Error Of(string topic, Error error) => new(error.Code, $"topic {topic}: {error.Reason}", error.IsFatal);

    private void Delivered(string topic, Error error)
    {
        if (!error.IsError)
            return;
        lock (_failures)
            _failures.Add(Of(topic, error));
    }

    private void ThrowFailures(Predicate<Error> counts)
    {
        lock (_failures)
        {
            if (_failures.Find(counts) is { } first)
                throw new KafkaException(first);
        }
    }

    private void Abort()
    {
        try
        {
            Guarded("AbortTransaction", s_step, () => _producer.Current.AbortTransaction(s_step));
        }
        catch (KafkaException)
        {
            Dispose();
        }
    }
}
