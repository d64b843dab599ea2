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
    private static readonly TimeSpan s_join = TimeSpan.FromSeconds(60); // and of its end
    private static readonly TimeSpan s_shared = TimeSpan.FromSeconds(5); // with some of the partitions, while the group settles
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(100);

    /// <summary>The groups of a pipeline.</summary>
    public static IReadOnlyList<string> Groups(Pipeline pipeline) =>
        [.. pipeline.SourcesOf<KafkaSource.Settings>().Select(s => s.Options.Group).Distinct(StringComparer.Ordinal)];

    /// <summary>Resets a group of a pipeline: one transaction for each of its sources.</summary>
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
                await RefuseWhereItWorksAsync(cluster, options, stop).ConfigureAwait(false);
                resets.AddRange(await Task.Run(() => Reset(cluster, options, to, isDry, stop), stop).ConfigureAwait(false));
            }
            catch (Exception e) when (e is KafkaException or TimeoutException)
            {
                var done = string.Join(", ", resets.Select(r => r.Topic).Distinct());
                throw new KafkaToolException(
                    $"group {group} at {options.Access.Servers} is as it was{(done.Length > 0 ? $", but for {done}" : "")}: "
                        + cluster.Describe(e));
            }
        }

        return resets;
    }

    /// <summary>A group with members is left in peace: to join it would take partitions from them.</summary>
    private static async Task RefuseWhereItWorksAsync(KafkaCluster cluster, KafkaSourceOptions options, CancellationToken stop)
    {
        using var admin = KafkaTools.Made(options.Access, cluster.Admin);
        try
        {
            var described = await admin.DescribeConsumerGroupsAsync(
                [options.Group], new DescribeConsumerGroupsOptions { RequestTimeout = s_patience })
                .WaitAsync(2 * s_patience, stop).ConfigureAwait(false);
            var members = described.ConsumerGroupDescriptions[0].Members;
            var names = members.Take(MostNamed).Select(m => Printable.Text($"{m.GroupInstanceId ?? m.ClientId} at {m.Host}"));
            if (members.Count > 0)
                throw new KafkaToolException(
                    $"group {options.Group} at {options.Access.Servers} has {members.Count} members: {string.Join(", ", names)}. Stop the "
                        + $"workers first; one that was killed, or has an instance name, stays a member until its session is over (45 s)");
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
    /// Does it as the group's only member, of the generation in which it got all partitions: a worker that joins meanwhile waits for it,
    /// and where it was thrown out meanwhile, the brokers refuse.
    /// </summary>
    private static List<PartitionReset> Reset(
        KafkaCluster cluster, KafkaSourceOptions options, ResetPlace to, bool isDry, CancellationToken stop)
    {
        var partitions = options.Topics.SelectMany(t => KafkaTools.Partitions(options.Access, t)).ToList();
        var owner = isDry ? null : $"{options.Group}-reset";
        using var member = Member(cluster, options);
        using var log = new KafkaLog(
            cluster, options.Group, owner, startsAtEnd: false,
            static _ => throw new InvalidOperationException("offsets go with a transaction"));
        try
        {
            var places = Places(member, partitions, to);
            var membership = isDry ? null : Join(member, options, partitions.Count, stop);
            var known = Known(cluster, member, log, options, partitions, stop);
            var forgotten = partitions.ToDictionary(p => p, p => known[p].States.Keys
                .Where(k => k.StartsWith(PartitionLease.StateKeys(options.Group, p), StringComparison.Ordinal)).ToList());
            if (membership is not null)
                Commit(log, cluster, options, places, forgotten, membership, owner!);
            return [.. partitions.Select(p => new PartitionReset(
                p.Topic, p.Partition.Value, known[p].IsCommitted ? known[p].Offset : null, places[p],
                forgotten[p].Count(k => k != PartitionLease.StateKeys(options.Group, p))))];
        }
        finally
        {
            // It leaves at once, whatever happened: who is still a member keeps the next one out.
            try
            {
                HangGuard.Run($"Kafka at {cluster.Name}, group {options.Group}: Close", s_join, member.Close);
            }
            catch (KafkaException)
            {
                // It is given up after its session.
            }
        }
    }

    private static void Commit(
        KafkaLog log, KafkaCluster cluster, KafkaSourceOptions options, Dictionary<TopicPartition, long> places,
        Dictionary<TopicPartition, List<string>> forgotten, IConsumerGroupMetadata membership, string owner)
    {
        try
        {
            log.Commit(
                [.. forgotten.SelectMany(f => f.Value.Select(
                    key => PartitionLease.StateMessage(options.StateTopic, f.Key.Partition.Value, key, null, owner)))],
                [.. places.Select(p => new TopicPartitionOffset(p.Key, p.Value))], membership);
        }
        catch (KafkaException e)
        {
            // Whether a commit that failed was done is often not known.
            throw new KafkaToolException(
                $"group {options.Group} at {cluster.Name} may have been reset, or not: {cluster.Describe(e)}; aststream kafka lag shows "
                    + "where it is");
        }
    }

    /// <summary>Where the group is, and what it knows. A partition for which the state topic has none has no states.</summary>
    private static Dictionary<TopicPartition, PartitionState> Known(
        KafkaCluster cluster, IConsumer<Ignore, Ignore> member, KafkaLog log, KafkaSourceOptions options, List<TopicPartition> partitions,
        CancellationToken stop)
    {
        int count;
        using (var admin = cluster.Admin())
            count = admin.GetMetadata(s_patience).Topics.Find(t => t.Topic == options.StateTopic)?.Partitions.Count ?? 0;
        List<TopicPartition> with = [.. partitions.Where(p => p.Partition.Value < count)];
        var known = with.Count > 0 ? log.Load(with, options.StateTopic, stop, s_patience) : [];
        List<TopicPartition> without = [.. partitions.Except(with)];
        foreach (var offset in without.Count > 0 ? member.Committed(without, s_patience) : [])
            known[offset.TopicPartition] = new PartitionState(
                offset.Offset, offset.Offset != Offset.Unset, new Dictionary<string, byte[]>());
        return known;
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

    /// <summary>Waits until the group's partitions are all this member's, and gives the generation in which they are.</summary>
    private static IConsumerGroupMetadata Join(
        IConsumer<Ignore, Ignore> member, KafkaSourceOptions options, int partitions, CancellationToken stop)
    {
        member.Subscribe(options.Topics);
        for (long began = TimeProvider.System.GetTimestamp(), shared = 0; ;)
        {
            stop.ThrowIfCancellationRequested();
            if (member.Consume(s_poll) is not null)
                member.Pause(member.Assignment);
            var membership = member.Assignment.Count == partitions ? member.ConsumerGroupMetadata : null;
            if (membership is not null && member.Assignment.Count == partitions)
                return membership;
            shared = member.Assignment.Count == 0 ? 0 : shared == 0 ? TimeProvider.System.GetTimestamp() : shared;
            var isShared = shared != 0 && TimeProvider.System.GetElapsedTime(shared) > s_shared;
            if (isShared || TimeProvider.System.GetElapsedTime(began) > s_join)
                throw new KafkaToolException(
                    $"group {options.Group} is as it was: it gave {member.Assignment.Count} of {partitions} partitions, so another member "
                        + "has the others; stop all workers first");
        }
    }
}
