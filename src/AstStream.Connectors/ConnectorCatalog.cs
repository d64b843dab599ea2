using AstStream.Connectors.Capture;
using AstStream.Connectors.Files;
using AstStream.Connectors.Mqtt;
using AstStream.Connectors.Terminal;
using AstStream.Streaming.Definitions;

namespace AstStream.Connectors;

/// <summary>What pipelines can name of files, devices, the network and the console.</summary>
public static class ConnectorCatalog
{
    /// <summary>The source and sink types.</summary>
    public static ComponentCatalog All { get; } = new()
    {
        Sources = [FileSource.Type, MicrophoneSource.Type, FfmpegSource.Type, StdinSource.Type, SocketSource.Type],
        Sinks = [ConsoleSink.Type, JsonLinesSink.Type, MqttSettings.Type],
    };
}
