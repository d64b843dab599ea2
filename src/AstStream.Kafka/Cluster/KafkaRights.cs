using Confluent.Kafka;

namespace AstStream.Kafka.Cluster;

/// <summary>The rights (ACLs) that are needed, in words; docs/wire-format.md lists them.</summary>
internal static class KafkaRights
{
    /// <summary>What to do about an error that says that a right is missing; empty for other errors.</summary>
    public static string Hint(ErrorCode code) => code switch
    {
        ErrorCode.TopicAuthorizationFailed => "; this user needs READ and DESCRIBE on topics that are read, WRITE and DESCRIBE on topics "
            + "that are written, all three on the state topic",
        ErrorCode.GroupAuthorizationFailed => "; this user needs READ and DESCRIBE on the consumer group",
        ErrorCode.TransactionalIdAuthorizationFailed =>
            "; this user needs WRITE and DESCRIBE on transactional ids that begin with the group's name",
        ErrorCode.ClusterAuthorizationFailed =>
            "; this user needs IDEMPOTENT_WRITE on the cluster, or WRITE on the topic with newer brokers",
        _ => "",
    };
}
