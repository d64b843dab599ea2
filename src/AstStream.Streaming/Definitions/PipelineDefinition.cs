namespace AstStream.Streaming.Definitions;

/// <summary>A pipeline as its file says it: plain values. Nothing is opened or built by reading it.</summary>
public sealed record PipelineDefinition
{
    internal PipelineDefinition(
        string path, IReadOnlyList<ModelDefinition> models, IReadOnlyList<SourceDefinition> sources, IReadOnlyList<SinkDefinition> sinks,
        int lanes) =>
        (Path, Models, Sources, Sinks, Lanes, PassesAudio) = (path, models, sources, sinks, lanes, sinks.Any(s => s.Options.Audio));

    internal string Path { get; }

    /// <summary>The models; none where sound is only passed on.</summary>
    internal IReadOnlyList<ModelDefinition> Models { get; }

    /// <summary>The models that score in the shadow of these.</summary>
    internal IReadOnlyList<ModelDefinition> Shadows => [.. Models.Select(m => m.ShadowModel).OfType<ModelDefinition>()];

    internal IReadOnlyList<SourceDefinition> Sources { get; init; }

    internal IReadOnlyList<SinkDefinition> Sinks { get; init; }

    /// <summary>Sections that are not the engine's.</summary>
    internal IReadOnlyList<SectionDefinition> Sections { get; init; } = [];

    /// <summary>Lanes for live streams, and as many for others.</summary>
    internal int Lanes { get; }

    /// <summary>Whether lanes pass sound on to sinks.</summary>
    internal bool PassesAudio { get; init; }

    /// <summary>What it says in a section that is not the engine's; null where it has none of that kind.</summary>
    public TSettings? Section<TSettings>()
        where TSettings : SectionSettings => Sections.Select(s => s.Settings).OfType<TSettings>().FirstOrDefault();

    /// <summary>What the sources of one kind say.</summary>
    public IEnumerable<TSettings> SourcesOf<TSettings>()
        where TSettings : SourceSettings => Sources.Select(s => s.Settings).OfType<TSettings>();

    /// <summary>What the sinks of one kind say.</summary>
    public IEnumerable<TSettings> SinksOf<TSettings>()
        where TSettings : SinkSettings => Sinks.Select(s => s.Settings).OfType<TSettings>();
}
