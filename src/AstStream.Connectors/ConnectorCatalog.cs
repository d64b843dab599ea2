using AstStream.Connectors.Capture;
using AstStream.Connectors.Kafka;
using AstStream.Streaming.Pipelines;

namespace AstStream.Connectors;

/// <summary>Everything that a pipeline can name.</summary>
public static class ConnectorCatalog
{
    /// <summary>The source and sink types of this build.</summary>
    public static ComponentCatalog All { get; } = new()
    {
        Sources = [FileSource.Type, MicrophoneSource.Type, FfmpegSource.Type, StdinSource.Type, SocketSource.Type, KafkaSource.Type],
        Sinks = [ConsoleSink.Type, JsonLinesSink.Type, KafkaSink.Type],
    };
}
