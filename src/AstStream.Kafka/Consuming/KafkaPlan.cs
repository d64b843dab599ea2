using AstStream.Kafka.Cluster;

namespace AstStream.Kafka.Consuming;

/// <summary>What a pipeline's Kafka sources and sinks know of each other.</summary>
internal sealed class KafkaPlan
{
    /// <summary>The clusters that sinks write events to.</summary>
    public List<KafkaCluster> Sinks { get; } = [];

    /// <summary>The names of sources in their groups.</summary>
    public HashSet<(string Cluster, string Group, string Instance)> Instances { get; } = [];
}
