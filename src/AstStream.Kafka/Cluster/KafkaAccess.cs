using AstStream.Streaming.Definitions;

namespace AstStream.Kafka.Cluster;

/// <summary>How a cluster is reached. It may hold secrets.</summary>
/// <param name="Servers">The cluster's first servers.</param>
/// <param name="Settings">librdkafka's own settings.</param>
public sealed record KafkaAccess(string Servers, IReadOnlyDictionary<string, string> Settings)
{
    /// <summary>The servers that are asked first.</summary>
    internal IReadOnlyList<Peer> Peers => Peer.OfServers(Servers);

    /// <summary>Access with no settings.</summary>
    internal static KafkaAccess To(string servers) => new(servers, new Dictionary<string, string>());

    /// <summary>Equal for those that say the same.</summary>
    internal string Fingerprint =>
        string.Join('\n', [Servers, .. Settings.Select(s => $"{s.Key}={s.Value}").Order(StringComparer.Ordinal)]);
}
