using AstStream.Kafka.Cluster;
using AstStream.Kafka.Consuming;
using AstStream.Kafka.Transactions;
using AstStream.Streaming.Pipelines;
using AstStream.Streaming.Telemetry;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace AstStream.Kafka.Administration;

/// <summary>
/// Sends a group back, or ahead, to a time. Its offsets and what it knows of its streams change in one transaction: an offset without the
/// states that belong to it would be believed by nobody, or by halves.
/// </summary>
public static class ResetTools
{
    private const int MostNamed = 5; // members

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan s_join = TimeSpan.FromSeconds(60); // with a member that was killed, until its session is over
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(100);

    /// <summary>The groups of a pipeline.</summary>
    public static IReadOnlyList<string> Groups(Pipeline pipeline) =>
        [.. pipeline.SourcesOf<KafkaSource.Settings>().Select(s => s.Options.Group).Distinct(StringComparer.Ordinal)];

    /// <summary>Resets a group of a pipeline.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="group">The group.</param>
    /// <param name="to">Where to.</param>
    /// <param name="isDry">Whether nothing is changed, and it is only said what would be.</param>
    /// <param name="stop">Ends it; nothing is changed then.</param>
    /// <exception cref="KafkaToolException">The group has members, or the cluster does not take it: nothing has changed.</exception>
    public static async Task<IReadOnlyList<PartitionReset>> RunAsync(
        Pipeline pipeline, string group, ResetPlace to, bool isDry, CancellationToken stop)
    {
        var resets = new List<PartitionReset>();
        foreach (var options in pipeline.SourcesOf<KafkaSource.Settings>().Select(s => s.Options).Where(o => o.Group == group))
        {
            var cluster = new KafkaCluster(options.Access);
            try
            {
                await RefuseWhereItWorksAsync(cluster, options).ConfigureAwait(false);
                resets.AddRange(await Task.Run(() => Reset(cluster, options, to, isDry, stop), stop).ConfigureAwait(false));
            }
            catch (KafkaException e)
            {
                throw new KafkaToolException($"group {group} at {options.Access.Servers} is as it was: {cluster.Describe(e)}");
            }
        }

        return resets;
    }

    /// <summary>A group with members is left in peace: to join it would take partitions from them.</summary>
    private static async Task RefuseWhereItWorksAsync(KafkaCluster cluster, KafkaSourceOptions options)
    {
        using var admin = KafkaTools.Made(options.Access, cluster.Admin);
        try
        {
            var described = await admin.DescribeConsumerGroupsAsync(
                [options.Group], new DescribeConsumerGroupsOptions { RequestTimeout = s_patience }).ConfigureAwait(false);
            var members = described.ConsumerGroupDescriptions[0].Members;
            var names = members.Take(MostNamed).Select(m => Printable.Text($"{m.GroupInstanceId ?? m.ClientId} at {m.Host}"));
            if (members.Count > 0)
                throw new KafkaToolException(
                    $"group {options.Group} at {options.Access.Servers} has {members.Count} members: {string.Join(", ", names)}. Stop the "
                        + $"workers first; one that was killed stays a member until its session is over");
        }
        catch (KafkaException e) when (e.Error.Code == ErrorCode.GroupIdNotFound)
        {
            // Nobody was ever in it.
        }
        catch (DescribeConsumerGroupsException e)
        {
            var error = e.Results.ConsumerGroupDescriptions[0].Error;
            if (error.Code != ErrorCode.GroupIdNotFound)
                throw new KafkaException(error);
        }
    }

    /// <summary>
    /// Does it as the group's only member: where a worker joins meanwhile, the group has another generation, and the brokers refuse.
    /// </summary>
    private static List<PartitionReset> Reset(
        KafkaCluster cluster, KafkaSourceOptions options, ResetPlace to, bool isDry, CancellationToken stop)
    {
        var partitions = options.Topics.SelectMany(t => KafkaTools.Partitions(options.Access, t)).ToList();
        using var member = Member(cluster, options);
        var places = Places(member, partitions, to);
        using var log = new KafkaLog(
            cluster, options.Group, isDry ? null : $"{options.Group}-reset", startsAtEnd: false,
            static _ => throw new InvalidOperationException("offsets go with a transaction"));
        if (!isDry)
            Join(member, options, partitions.Count, stop);
        var known = HasStates(cluster, options.StateTopic)
            ? log.Load(partitions, options.StateTopic, stop)
            : member.Committed(partitions, s_patience).ToDictionary(
                c => c.TopicPartition, c => new PartitionState(c.Offset, c.Offset != Offset.Unset, new Dictionary<string, byte[]>()));
        var forgotten = partitions.ToDictionary(p => p, p => known[p].States.Keys
            .Where(k => k.StartsWith(PartitionLease.StateKeys(options.Group, p), StringComparison.Ordinal)).ToList());
        if (!isDry)
        {
            log.Commit(
                [.. forgotten.SelectMany(f => f.Value.Select(key => new Outgoing(
                    options.StateTopic, f.Key.Partition.Value,
                    new Message<byte[], byte[]?> { Key = System.Text.Encoding.UTF8.GetBytes(key), Value = null })))],
                [.. partitions.Select(p => new TopicPartitionOffset(p, places[p]))], member.ConsumerGroupMetadata);
            member.Close();
        }

        return [.. partitions.Select(p => new PartitionReset(
            p.Topic, p.Partition.Value, known[p].IsCommitted ? known[p].Offset : null, places[p],
            forgotten[p].Count(k => k != PartitionLease.StateKeys(options.Group, p))))];
    }

    private static IConsumer<Ignore, Ignore> Member(KafkaCluster cluster, KafkaSourceOptions options) =>
        KafkaTools.Made(options.Access, () => cluster.Consumer<Ignore, Ignore>(MemberSettings.Of(options with { Instance = null })));

    /// <summary>The offsets of a place; the end, where a partition has nothing that is so late.</summary>
    private static Dictionary<TopicPartition, long> Places(
        IConsumer<Ignore, Ignore> consumer, List<TopicPartition> partitions, ResetPlace to)
    {
        var found = to.At is { } at
            ? consumer.OffsetsForTimes(partitions.Select(p => new TopicPartitionTimestamp(p, new Timestamp(at))), s_patience)
                .Where(o => !o.Offset.IsSpecial).ToDictionary(o => o.TopicPartition, o => o.Offset.Value)
            : [];
        foreach (var partition in partitions.Where(p => !found.ContainsKey(p)))
        {
            var marks = consumer.QueryWatermarkOffsets(partition, s_patience);
            found[partition] = to.IsEarliest ? marks.Low.Value : marks.High.Value;
        }

        return found;
    }

    /// <summary>Waits until the group's partitions are all this member's.</summary>
    private static void Join(IConsumer<Ignore, Ignore> member, KafkaSourceOptions options, int partitions, CancellationToken stop)
    {
        member.Subscribe(options.Topics);
        for (var began = TimeProvider.System.GetTimestamp(); member.Assignment.Count < partitions;)
        {
            stop.ThrowIfCancellationRequested();
            if (TimeProvider.System.GetElapsedTime(began) > s_join)
                throw new KafkaToolException(
                    $"group {options.Group} is as it was: it gave {member.Assignment.Count} of {partitions} partitions in "
                        + $"{s_join.TotalSeconds:0} s, so another member has the others; stop all workers first");
            if (member.Consume(s_poll) is not null)
                member.Pause(member.Assignment);
        }
    }

    private static bool HasStates(KafkaCluster cluster, string stateTopic)
    {
        using var admin = cluster.Admin();
        return admin.GetMetadata(s_patience).Topics.Exists(t => t.Topic == stateTopic && t.Error.Code == ErrorCode.NoError);
    }
}
