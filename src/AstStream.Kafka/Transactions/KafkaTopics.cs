using AstStream.Kafka.Cluster;
using AstStream.Streaming.Telemetry;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace AstStream.Kafka.Transactions;

/// <summary>The topics that workers of a group need besides those of sound and events.</summary>
/// <param name="cluster">The cluster.</param>
/// <param name="group">The consumer group.</param>
/// <param name="slack">How long a call may go on beyond its own time limit before it counts as hanging.</param>
internal sealed class KafkaTopics(KafkaCluster cluster, string group, TimeSpan slack)
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(3); // at what need not be known
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30); // of one request

    private readonly Dictionary<string, int> _firstSeen = new(StringComparer.Ordinal); // topics' partitions when this worker first looked

    /// <summary>Whether a partition has come since this worker first looked.</summary>
    public bool HasGrown(TopicPartition partition) =>
        _firstSeen.TryGetValue(partition.Topic, out var first) && partition.Partition.Value >= first;

    /// <summary>What is to be said of a topic of sound that has one partition alone.</summary>
    public static string OnePartition(string topic) =>
        $"topic {topic} has one partition: one worker alone can hear it. aststream kafka topics create makes topics as they should be";

    /// <summary>Whether a topic had one partition alone when it was first seen.</summary>
    public bool HasOne(string topic) => _firstSeen.GetValueOrDefault(topic) == 1;

    /// <summary>
    /// Makes sure that the state topic is there and has a partition for each of the input's, and that there is somewhere for records to go
    /// that can't be used. One topic is never asked for by its name: that may make it, with the broker's defaults.
    /// </summary>
    /// <returns>What a person should look at; null where all is well.</returns>
    public async Task<string?> EnsureAsync(string stateTopic, int partitions, IEnumerable<string> letterTopics)
    {
        using var admin = cluster.Admin();
        var there = HangGuard.Run(
            $"Kafka at {cluster.Name}, group {group}: GetMetadata", s_patience + slack, () => admin.GetMetadata(s_patience))
            .Topics.Where(t => t.Error.Code == ErrorCode.NoError).ToDictionary(t => t.Topic, t => t.Partitions.Count);
        foreach (var (topic, count) in there)
            _firstSeen.TryAdd(topic, count);
        if (!there.TryGetValue(stateTopic, out var found) && !await CreateAsync(admin, new TopicSpecification
        {
            Name = stateTopic,
            NumPartitions = partitions,
            ReplicationFactor = -1,
            Configs = new() { ["cleanup.policy"] = "compact" }
        }).ConfigureAwait(false))
        {
            throw new KafkaException(new Error(
                ErrorCode.TopicAuthorizationFailed, $"topic {stateTopic} is not there, and this user may not make it, or not see it; give "
                    + $"it CREATE on the topic, or make it: {partitions} partitions, cleanup.policy=compact"));
        }

        if (found > 0 && found < partitions)
            await admin.CreatePartitionsAsync([new PartitionsSpecification { Topic = stateTopic, IncreaseTo = partitions }])
                .ConfigureAwait(false);
        foreach (var topic in letterTopics.Distinct().Where(t => !there.ContainsKey(t)))
            await CreateAsync(admin, new TopicSpecification { Name = topic, NumPartitions = 1, ReplicationFactor = -1 })
                .ConfigureAwait(false);
        try
        {
            var topic = new ConfigResource { Type = ResourceType.Topic, Name = stateTopic };
            var config = await admin.DescribeConfigsAsync([topic], new DescribeConfigsOptions { RequestTimeout = s_interval })
                .ConfigureAwait(false);
            var policy = config[0].Entries["cleanup.policy"].Value;
            return policy.Contains("compact", StringComparison.Ordinal)
                ? null
                : $"topic {stateTopic} has cleanup.policy={policy}; expected compact: it will grow, and lose what streams that rest need";
        }
        catch (KafkaException)
        {
            return null; // not allowed to look
        }
    }

    /// <summary>Makes a topic; one that is there, as another worker was faster, is well. False where this user may not make it.</summary>
    private static async Task<bool> CreateAsync(IAdminClient admin, TopicSpecification topic)
    {
        try
        {
            await admin.CreateTopicsAsync([topic], new CreateTopicsOptions { RequestTimeout = s_patience }).ConfigureAwait(false);
            return true;
        }
        catch (CreateTopicsException e) when (e.Results.All(
            r => r.Error.Code is ErrorCode.TopicAlreadyExists or ErrorCode.TopicAuthorizationFailed
                or ErrorCode.ClusterAuthorizationFailed))
        {
            return e.Results.All(r => r.Error.Code == ErrorCode.TopicAlreadyExists);
        }
    }
}
