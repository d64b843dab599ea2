namespace AstStream.Streaming.Pipelines;

/// <summary>A type of source or sink that pipelines can name, with its own keys.</summary>
/// <param name="Type">The value of `type`.</param>
/// <param name="Doc">What it does.</param>
/// <param name="Keys">Its keys, besides `type`.</param>
public abstract record ComponentType(string Type, string Doc, IReadOnlyList<Key> Keys)
{
    /// <summary>Whether a pipeline can have only one of it: standard input, the console.</summary>
    public bool IsSingle { get; init; }
}

/// <summary>A source type.</summary>
/// <param name="Type">The value of `type`.</param>
/// <param name="Doc">What it does.</param>
/// <param name="Keys">Its keys.</param>
/// <param name="Create">Makes the source from its section; notes problems in the section.</param>
public sealed record SourceType(string Type, string Doc, IReadOnlyList<Key> Keys, Func<SectionReader, IAudioSource> Create) : ComponentType(Type, Doc, Keys)
{
    /// <summary>The files that it reads, as far as its section names them, links followed: no sink may write to one.</summary>
    public Func<SectionReader, IEnumerable<string>> Reads { get; init; } = _ => [];
}

/// <summary>A sink type.</summary>
/// <param name="Type">The value of `type`.</param>
/// <param name="Doc">What it does.</param>
/// <param name="Keys">Its keys.</param>
/// <param name="Create">Makes the sink from its section; notes problems in the section.</param>
public sealed record SinkType(string Type, string Doc, IReadOnlyList<Key> Keys, Func<SectionReader, ISink> Create) : ComponentType(Type, Doc, Keys)
{
    /// <summary>The records that it can take: events and coverage by default.</summary>
    public IReadOnlyList<string> Records { get; init; } = ["events", "coverage"];

    /// <summary>The file that it writes, links followed: no other sink may write to it.</summary>
    public Func<SectionReader, string?> Writes { get; init; } = _ => null;
}

/// <summary>What the outside world offers to pipelines. The connectors fill it; the pipeline reader knows no device.</summary>
public sealed class ComponentCatalog
{
    /// <summary>Source types.</summary>
    public required IReadOnlyList<SourceType> Sources { get; init; }

    /// <summary>Sink types.</summary>
    public required IReadOnlyList<SinkType> Sinks { get; init; }
}
