using AstStream.Kafka.Cluster;

namespace AstStream.Kafka;

/// <summary>How the tools that look into a cluster, or load it, reach it.</summary>
/// <param name="Servers">The cluster's first servers.</param>
/// <param name="Settings">librdkafka's own settings.</param>
public sealed record KafkaAccess(string Servers, IReadOnlyDictionary<string, string> Settings)
{
    internal KafkaCluster Cluster => KafkaCluster.Of(Servers, Settings);
}
