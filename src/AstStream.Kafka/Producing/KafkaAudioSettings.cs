using AstStream.Streaming.Definitions;
using AstStream.Streaming.Sinks;

namespace AstStream.Kafka.Producing;

/// <summary>What a definition says of a sink for sound.</summary>
/// <param name="Options">How it is published.</param>
internal sealed record KafkaAudioSettings(AudioPublisherOptions Options) : SinkSettings
{
    public override IReadOnlyList<Resource> Resources => Options.Spool is { } path ? [Resource.Writes(path)] : [];

    public override IReadOnlyList<Peer> Peers => Options.Access.Peers;

    public override ISink Build() => new KafkaAudioSink(Options);
}
