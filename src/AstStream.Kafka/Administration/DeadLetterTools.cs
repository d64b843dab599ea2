using AstStream.Kafka.Blocks;
using AstStream.Kafka.Cluster;
using Confluent.Kafka;

namespace AstStream.Kafka.Administration;

/// <summary>Records that could not be used: looks at them, and sends them again once their cause is gone.</summary>
public static class DeadLetterTools
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan s_delivery = TimeSpan.FromSeconds(30); // of one record

    /// <summary>The records of a topic of dead letters, up to what is there now.</summary>
    /// <param name="access">The cluster.</param>
    /// <param name="topic">The topic of dead letters.</param>
    /// <param name="stop">Ends it.</param>
    /// <exception cref="KafkaToolException">The cluster can't be read.</exception>
    public static IEnumerable<DeadRecord> Read(KafkaAccess access, string topic, CancellationToken stop)
    {
        using var consumer = KafkaTools.Reader(access, "aststream-dlq");
        var partitions = KafkaTools.Asked(access, topic, () => KafkaTools.Partitions(access, topic));
        consumer.Assign(partitions.Select(p => new TopicPartitionOffset(p, Offset.Beginning)));
        var silence = TimeProvider.System.GetTimestamp();
        for (var left = partitions.ToHashSet(); left.Count > 0;) // an end is reached again after what came meanwhile
        {
            stop.ThrowIfCancellationRequested();
            var result = KafkaTools.Asked(access, topic, () => consumer.Consume(TimeSpan.FromMilliseconds(100)));
            if (result is null)
            {
                if (TimeProvider.System.GetElapsedTime(silence) > s_patience)
                    throw new KafkaToolException($"{topic} at {access.Servers}: nothing came for {s_patience.TotalSeconds:0} s");
                continue;
            }

            silence = TimeProvider.System.GetTimestamp();
            if (result.IsPartitionEOF)
                left.Remove(result.TopicPartition);
            else
                yield return new DeadRecord(
                    result.Partition.Value, result.Offset.Value, result.Message.Timestamp.UtcDateTime, result.Message.Key,
                    result.Message.Value, result.Message.Headers ?? []);
        }
    }

    /// <summary>
    /// Sends records to where they came from. A stream that has gone on would take them for old ones and leave them out: so they become a
    /// stream of their own, under another key, in a session of their own, which ends after them; their times are what they were.
    /// </summary>
    /// <param name="access">The cluster.</param>
    /// <param name="records">The records.</param>
    /// <param name="suffix">What is added to the key; empty for the stream that they were of, which goes on.</param>
    /// <param name="skipped">Hears of records that can't be sent, and why.</param>
    /// <returns>How many were delivered.</returns>
    /// <exception cref="KafkaToolException">The cluster can't be written to.</exception>
    public static long Replay(
        KafkaAccess access, IEnumerable<DeadRecord> records, string suffix, Action<DeadRecord, string> skipped)
    {
        var cluster = new KafkaCluster(access);
        using var producer = KafkaTools.Made(access, () => cluster.Producer<string?, byte[]?>(
            new ProducerConfig { EnableIdempotence = true, MessageTimeoutMs = (int)s_delivery.TotalMilliseconds }));
        var (delivered, streams) = (0L, new HashSet<(string Topic, string? Key)>());
        Error? failed = null;
        void Delivered(DeliveryReport<string?, byte[]?> report)
        {
            if (report.Error.IsError)
                failed ??= report.Error;
            else
                Interlocked.Increment(ref delivered);
        }

        void Send(string topic, Message<string?, byte[]?> message) => KafkaTools.Asked(access, topic, () =>
        {
            while (true)
            {
                try
                {
                    producer.Produce(topic, message, Delivered);
                    return true;
                }
                catch (ProduceException<string?, byte[]?> e) when (e.Error.Code == ErrorCode.Local_QueueFull)
                {
                    producer.Poll(TimeSpan.FromMilliseconds(100));
                }
            }
        });

        foreach (var record in records)
        {
            if (record.SourceTopic is not { } topic)
                skipped(record, "it does not say where it came from: it is no dead letter of aststream's");
            else if (record.FullLength is { } length)
                skipped(record, $"only {record.Value?.Length ?? 0} of its {length} bytes are here");
            else
            {
                var headers = record.OwnHeaders();
                if (suffix.Length > 0)
                {
                    headers.Remove(BlockFormat.SessionHeader);
                    headers.Add(BlockFormat.SessionHeader, "replay"u8.ToArray());
                }

                var key = record.Key is null ? null : record.Key + suffix;
                Send(topic, new Message<string?, byte[]?> { Key = key, Value = record.Value, Headers = headers });
                streams.Add((topic, key));
            }

            if (failed is not null)
                break;
        }

        var own = streams.Where(s => suffix.Length > 0 && s.Key is not null).ToList(); // streams of their own
        if (failed is null)
        {
            foreach (var (topic, key) in own)
                Send(topic, new Message<string?, byte[]?> { Key = key, Value = null });
        }

        for (var waited = TimeSpan.Zero; producer.Flush(TimeSpan.FromSeconds(1)) > 0 && waited < 2 * s_delivery;)
            waited += TimeSpan.FromSeconds(1); // each has a time limit of its own
        if (failed is { } error)
            throw new KafkaToolException(
                $"{access.Servers}: {Interlocked.Read(ref delivered)} records were delivered: {cluster.Describe(error)}");
        return Interlocked.Read(ref delivered) - own.Count;
    }
}
