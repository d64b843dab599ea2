using System.Globalization;
using System.Text.Json;
using AstStream.Dsp;
using AstStream.Kafka.Blocks;
using AstStream.Kafka.Cluster;
using AstStream.Kafka.Transactions;
using AstStream.Streaming.Sources;
using Confluent.Kafka;

namespace AstStream.Kafka;

/// <summary>What a person does with a cluster: load a topic, look at events, look how far a group is.</summary>
public static class KafkaTools
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(5); // for the times of records
    private static readonly TimeSpan s_again = TimeSpan.FromMilliseconds(500);
    private static readonly HashSet<ErrorCode> s_passing =
    [
        ErrorCode.GroupCoordinatorNotAvailable, ErrorCode.NotCoordinatorForGroup, ErrorCode.GroupLoadInProgress, ErrorCode.Local_WaitCoord,
            ErrorCode.Local_TimedOut,
        ErrorCode.LeaderNotAvailable, ErrorCode.NotLeaderForPartition, ErrorCode.UnknownTopicOrPart, ErrorCode.Local_UnknownPartition,
    ];

    private static readonly TimeSpan s_delivery = TimeSpan.FromSeconds(30); // of one record

    /// <summary>Writes files to a topic as streams of sound, all of one session: s16le, mono, at the file's rate.</summary>
    /// <param name="access">The cluster.</param>
    /// <param name="files">The files; a stream is named after its file.</param>
    /// <param name="options">How.</param>
    /// <param name="open">Opens a file.</param>
    /// <param name="stop">Ends it; what went out is delivered.</param>
    /// <returns>Records that were delivered.</returns>
    /// <exception cref="InvalidAudioException">A file can't be read.</exception>
    /// <exception cref="KafkaToolException">The cluster can't be written to.</exception>
    public static async Task<long> FeedAsync(KafkaAccess access, IReadOnlyList<string> files, FeedOptions options,
        Func<string, CancellationToken, Task<IAudioReader>> open, CancellationToken stop)
    {
        Error? trouble = null; // that librdkafka has with the brokers
        using var producer = Made(access, () => new ProducerBuilder<string, byte[]?>(new KafkaCluster(access).Configure(
            new ProducerConfig { EnableIdempotence = true, LingerMs = 5, MessageTimeoutMs = (int)s_delivery.TotalMilliseconds }))
            .SetErrorHandler((_, e) => trouble = e).SetLogHandler(static (_, _) => { }).Build());
        var (sent, delivered) = (0L, 0L);
        Error? failed = null;
        void Delivered(DeliveryReport<string, byte[]?> report)
        {
            if (report.Error.IsError)
                failed = report.Error;
            else
                Interlocked.Increment(ref delivered);
        }

        async Task SendAsync(Message<string, byte[]?> message)
        {
            while (true)
            {
                if (failed is not null)
                    throw Undelivered();
                try
                {
                    producer.Produce(options.Topic, message, Delivered);
                    sent++;
                    return;
                }
                catch (ProduceException<string, byte[]?> e) when (e.Error.Code == ErrorCode.Local_QueueFull)
                {
                    await Task.Delay(10, stop).ConfigureAwait(false);
                }
                catch (ProduceException<string, byte[]?> e)
                {
                    failed = e.Error;
                }
            }
        }

        KafkaToolException Undelivered()
        {
            var why = failed is { } error ? new KafkaCluster(access).Describe(error) : "no broker has taken them in time";
            if (failed?.Code == ErrorCode.MsgSizeTooLarge)
                why += "; --block makes records smaller";
            if (failed?.Code is null or ErrorCode.Local_MsgTimedOut && trouble is { } said)
                why += $" ({new KafkaCluster(access).Describe(said)})";
            return new KafkaToolException(string.Create(CultureInfo.InvariantCulture,
                $"{options.Topic} at {access.Servers}: {Interlocked.Read(ref delivered)} of {sent} records were delivered: {why}"));
        }

        var start = TimeProvider.System.GetUtcNow();
        var session = start.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'.'fff", CultureInfo.InvariantCulture);
        var twins = files.GroupBy(Path.GetFileNameWithoutExtension, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1);
        if (twins is not null)
            throw new KafkaToolException(
                $"{string.Join(" and ", twins.Take(2))} would be one stream, '{twins.Key}'; expected files of different names, or one call "
                    + "for each");
        var readers = new List<(string Name, IAudioReader File)>();
        try
        {
            foreach (var file in files)
                readers.Add((Path.GetFileNameWithoutExtension(file), await open(file, stop).ConfigureAwait(false)));
            var clock = System.Diagnostics.Stopwatch.StartNew();
            for (var turn = 1L; readers.Count > 0 && !stop.IsCancellationRequested; turn++)
            {
                foreach (var (name, file) in readers.ToList())
                {
                    var samples = new float[file.SampleRate * options.Block / 1000];
                    var read = 0;
                    for (int n; read < samples.Length && (n = file.Read(samples.AsSpan(read))) > 0;)
                        read += n;
                    var first = (turn - 1) * samples.Length;
                    var format = new BlockFormat(
                        BlockEncoding.Raw, new PcmFormat(PcmEncoding.S16, file.SampleRate, 1), first,
                        start + TimeSpan.FromSeconds((double)first / file.SampleRate), session);
                    var bytes = new byte[read * 2];
                    WavWriter.ToPcm16(samples.AsSpan(0, read), bytes);
                    for (var i = 1; i <= options.Streams; i++)
                    {
                        var key = options.Streams == 1 ? name : string.Create(CultureInfo.InvariantCulture, $"{name}-{i}");
                        if (read > 0)
                            await SendAsync(
                                new Message<string, byte[]?> { Key = key, Value = bytes, Headers = format.ToHeaders() }).ConfigureAwait(
                                false);
                        if (read < samples.Length && options.Ends)
                            await SendAsync(new Message<string, byte[]?> { Key = key, Value = null }).ConfigureAwait(false);
                    }

                    if (read == samples.Length)
                        continue;
                    readers.Remove((name, file));
                    await file.DisposeAsync().ConfigureAwait(false);
                }

                var ahead = TimeSpan.FromMilliseconds(turn * options.Block) - clock.Elapsed;
                if (options.IsRealtime && ahead > TimeSpan.Zero)
                    await Task.Delay(ahead, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // What went out is delivered.
        }
        finally
        {
            foreach (var (_, file) in readers)
                await file.DisposeAsync().ConfigureAwait(false);
        }

        // Every one is answered for: each has a time limit of its own.
        for (var waited = TimeSpan.Zero; producer.Flush(
            TimeSpan.FromSeconds(1)) > 0 && waited < 2 * s_delivery; waited += TimeSpan.FromSeconds(1))
        {
            // What is on its way.
        }

        return failed is null && delivered == sent ? delivered : throw Undelivered();
    }

    /// <summary>Gives the values of a topic's records as they come, committed ones only.</summary>
    /// <param name="access">The cluster.</param>
    /// <param name="topic">The topic.</param>
    /// <param name="isFromBeginning">Whether those that are there already are given too.</param>
    /// <param name="untilEnd">Whether it ends with the last record that is there.</param>
    /// <param name="take">Takes a record's partition, offset, stream and the data of the event in it; null where it is none.</param>
    /// <param name="stop">Ends it.</param>
    /// <exception cref="KafkaToolException">The cluster can't be read.</exception>
    public static void Tail(
        KafkaAccess access, string topic, bool isFromBeginning, bool untilEnd, Action<int, long, string, JsonElement?> take,
        CancellationToken stop)
    {
        try
        {
            using var consumer = Reader(access, "aststream-tail");
            var partitions = Partitions(access, topic);
            consumer.Assign(partitions.Select(p => new TopicPartitionOffset(p, isFromBeginning ? Offset.Beginning : Offset.End)));
            var left = partitions.ToHashSet(); // an end is reached again after what came meanwhile
            while (!stop.IsCancellationRequested && (left.Count > 0 || !untilEnd))
            {
                if (consumer.Consume(TimeSpan.FromMilliseconds(100)) is not { } result)
                    continue;
                if (result.IsPartitionEOF)
                    left.Remove(result.TopicPartition);
                else
                    take(result.Partition.Value, result.Offset.Value, result.Message.Key ?? "", Data(result.Message.Value));
            }
        }
        catch (KafkaException e)
        {
            throw new KafkaToolException($"{topic} at {access.Servers}: {new KafkaCluster(access).Describe(e)}");
        }
    }

    /// <summary>What is to be said of the partitions of a topic of sound; null where there is nothing.</summary>
    /// <exception cref="KafkaToolException">The cluster can't be asked.</exception>
    public static string? PartitionAdvice(KafkaAccess access, string topic) =>
        Asked(access, topic, () => Partitions(access, topic)).Count == 1
            ? KafkaTopics.OnePartition(topic) : null;

    /// <summary>How far a group is behind in the partitions of topics.</summary>
    /// <exception cref="KafkaToolException">The cluster can't be asked.</exception>
    public static async Task<IReadOnlyList<PartitionLag>> LagAsync(KafkaAccess access, string group, IReadOnlyList<string> topics)
    {
        for (var began = TimeProvider.System.GetTimestamp(); ;)
        {
            try
            {
                // Uncommitted reading: offsets that a transaction is about to commit are not waited for, and the end is that of all
                // records.
                using var consumer = Reader(access, group, IsolationLevel.ReadUncommitted);
                List<TopicPartition> partitions = [.. topics.SelectMany(t => Partitions(access, t))];
                List<PartitionLag> lags = [.. consumer.Committed(partitions, s_patience).Select(c => new PartitionLag(
                    c.Topic, c.Partition.Value, c.Offset == Offset.Unset ? null : c.Offset.Value, consumer.QueryWatermarkOffsets(
                        c.TopicPartition, s_patience).High.Value))];
                return WithTimes(consumer, lags);
            }
            catch (KafkaException e) when (s_passing.Contains(e.Error.Code) && TimeProvider.System.GetElapsedTime(began) < s_patience)
            {
                await Task.Delay(s_again).ConfigureAwait(false); // a new cluster makes its own topics first
            }
            catch (KafkaException e)
            {
                throw new KafkaToolException($"{access.Servers}: {new KafkaCluster(access).Describe(e.Error)}");
            }
        }
    }

    /// <summary>Looks when the first record was written that each partition's group has not done with.</summary>
    private static List<PartitionLag> WithTimes(IConsumer<string?, byte[]?> consumer, List<PartitionLag> lags)
    {
        var behind = lags.Where(l => l.Lag > 0).ToDictionary(
            l => new TopicPartition(l.Topic, l.Partition), l => l.Committed is { } at ? new Offset(at) : Offset.Beginning);
        consumer.Assign(behind.Select(b => new TopicPartitionOffset(b.Key, b.Value)));
        var written = new Dictionary<TopicPartition, DateTime>();
        for (var began = TimeProvider.System.GetTimestamp();
            written.Count < behind.Count && TimeProvider.System.GetElapsedTime(began) < s_look;)
        {
            if (consumer.Consume(TimeSpan.FromMilliseconds(100)) is not { IsPartitionEOF: false } result
                || !written.TryAdd(result.TopicPartition, result.Message.Timestamp.UtcDateTime))
                continue;
            consumer.Pause([result.TopicPartition]);
        }

        return [.. lags.Select(l => l with
        {
            Since = written.TryGetValue(new TopicPartition(l.Topic, l.Partition), out var at) ? at : null,
        })];
    }

    /// <summary>A client; where its settings are wrong, that is the command's mistake.</summary>
    internal static T Made<T>(KafkaAccess access, Func<T> make)
    {
        try
        {
            return make();
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or KafkaException)
        {
            throw new KafkaToolException($"--set: {new KafkaCluster(access).Describe(e.Message)}") { IsUsage = true };
        }
    }

    /// <summary>Asks the cluster something about a topic; what librdkafka throws is said as a tool's failure.</summary>
    internal static T Asked<T>(KafkaAccess access, string topic, Func<T> ask)
    {
        try
        {
            return ask();
        }
        catch (KafkaException e)
        {
            throw new KafkaToolException($"{topic} at {access.Servers}: {new KafkaCluster(access).Describe(e)}");
        }
    }

    /// <summary>The partitions of a topic, which is not asked for by its name: that may make it.</summary>
    internal static List<TopicPartition> Partitions(KafkaAccess access, string topic)
    {
        using var admin = new KafkaCluster(access).Admin();
        var found = admin.GetMetadata(s_patience).Topics.FirstOrDefault(t => t.Topic == topic);
        if (found is null or { Partitions.Count: 0 })
            throw new KafkaToolException($"there is no topic {topic} at {access.Servers} that this user may see");
        return [.. found.Partitions.Select(p => new TopicPartition(topic, p.PartitionId))];
    }

    /// <summary>A consumer that reads by itself, and commits nothing.</summary>
    internal static IConsumer<string?, byte[]?> Reader(
        KafkaAccess access, string group, IsolationLevel isolation = IsolationLevel.ReadCommitted) =>
        Made(access, () => new KafkaCluster(access).Consumer<string?, byte[]?>(new ConsumerConfig
        {
            GroupId = group,
            EnableAutoCommit = false,
            EnablePartitionEof = true,
            IsolationLevel = isolation,
        }));

    private static JsonElement? Data(byte[]? value)
    {
        try
        {
            var json = JsonDocument.Parse(SchemaFrame.Skip(value ?? [])).RootElement;
            return json.ValueKind != JsonValueKind.Object ? null : json.TryGetProperty("data", out var data) ? data : json;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
