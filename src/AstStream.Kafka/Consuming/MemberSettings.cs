using Confluent.Kafka;

namespace AstStream.Kafka.Consuming;

/// <summary>How a member of a source's group is set up; the cluster's own settings come on top.</summary>
internal static class MemberSettings
{
    private static readonly TimeSpan s_refresh = TimeSpan.FromSeconds(30); // of what partitions there are
    private static readonly TimeSpan s_session = TimeSpan.FromSeconds(15); // of a worker without a name of its own; then others go on

    public static ConsumerConfig Of(KafkaSourceOptions options)
    {
        var config = new ConsumerConfig
        {
            GroupId = options.Group,
            GroupInstanceId = options.Instance,
            EnableAutoCommit = false,
            EnableAutoOffsetStore = false,
            AutoOffsetReset = AutoOffsetReset.Earliest, // of records that retention has removed; where to begin is said by seeking
            IsolationLevel = IsolationLevel.ReadCommitted,
            QueuedMaxMessagesKbytes = 16_384,
            FetchQueueBackoffMs = 5, // by default it fetches nothing for a second whenever so much was fetched ahead
            FetchWaitMaxMs = 100, // a seek waits until the fetch that is under way is answered
            FetchMaxBytes = Math.Max(52_428_800, options.MaxRecord),
            AllowAutoCreateTopics = false,
            TopicMetadataRefreshIntervalMs = (int)s_refresh.TotalMilliseconds,
        };
        if (options.IsAssignedByBrokers)
            return config; // who is dead, and who gets what, is set there
        config.PartitionAssignmentStrategy = PartitionAssignmentStrategy.CooperativeSticky;
        config.SessionTimeoutMs = options.Instance is null ? (int)s_session.TotalMilliseconds : null;
        return config;
    }
}
