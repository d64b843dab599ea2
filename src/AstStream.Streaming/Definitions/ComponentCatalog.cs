namespace AstStream.Streaming.Definitions;

/// <summary>What the outside world offers to pipelines. The connectors fill it; the pipeline reader knows no device.</summary>
public sealed class ComponentCatalog
{
    /// <summary>Source types.</summary>
    public required IReadOnlyList<SourceType> Sources { get; init; }

    /// <summary>Sink types.</summary>
    public required IReadOnlyList<SinkType> Sinks { get; init; }

    /// <summary>Sections of a definition beside those of the engine; none by default.</summary>
    public IReadOnlyList<SectionType> Sections { get; init; } = [];

    /// <summary>What several offer, in this order.</summary>
    public static ComponentCatalog Join(params IReadOnlyList<ComponentCatalog> catalogs) => new()
    {
        Sources = [.. catalogs.SelectMany(c => c.Sources)],
        Sinks = [.. catalogs.SelectMany(c => c.Sinks)],
        Sections = [.. catalogs.SelectMany(c => c.Sections)],
    };
}
