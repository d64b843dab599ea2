using AstStream.Connectors;
using AstStream.Kafka;
using AstStream.Station;
using AstStream.Streaming.Definitions;

namespace AstStream.Worker;

/// <summary>Everything that a pipeline can name.</summary>
internal static class WorkerCatalog
{
    /// <summary>The source and sink types of this build.</summary>
    public static ComponentCatalog All { get; } = ComponentCatalog.Join(ConnectorCatalog.All, KafkaCatalog.All, StationCatalog.All);
}
