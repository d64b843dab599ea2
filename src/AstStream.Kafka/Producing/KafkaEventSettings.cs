using AstStream.Kafka.Cluster;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Sinks;

namespace AstStream.Kafka.Producing;

/// <summary>What a definition says of a sink for events, scores and coverage.</summary>
/// <param name="Access">The cluster.</param>
/// <param name="Topic">The topic.</param>
/// <param name="IsBinary">Attributes in headers, and the data in the value.</param>
/// <param name="Source">The CloudEvents attribute source.</param>
/// <param name="States">The states of events that are published.</param>
/// <param name="Memory">Bytes of messages that may wait for the brokers.</param>
/// <param name="Schemas">How a schema registry is used; null for not at all.</param>
internal sealed record KafkaEventSettings(
    KafkaAccess Access, string Topic, bool IsBinary, string Source, IReadOnlyList<string> States, long Memory,
    SchemaOptions? Schemas) : SinkSettings
{
    public override IReadOnlyList<Peer> Peers =>
        [.. Access.Peers, .. (Schemas?.Addresses ?? []).Select(Peer.Of).OfType<Peer>()];

    public override ISink Build() => new KafkaEventSink(this);
}
