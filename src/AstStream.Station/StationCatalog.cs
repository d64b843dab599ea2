using AstStream.Station.Store;
using AstStream.Streaming.Definitions;

namespace AstStream.Station;

/// <summary>What pipelines can name of the station.</summary>
public static class StationCatalog
{
    /// <summary>The sink type of a store alone, and the sections of a station and of notifications.</summary>
    public static ComponentCatalog All { get; } = new()
    {
        Sources = [],
        Sinks = [StoreSink.Type],
        Sections = [StationSettings.Type, NotifySettings.Type],
    };
}
