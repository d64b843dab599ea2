using AstStream.Streaming.Sources;

namespace AstStream.Streaming.Pipelines;

/// <summary>A source type.</summary>
/// <param name="Type">The value of `type`.</param>
/// <param name="Doc">What it does.</param>
/// <param name="Keys">Its keys.</param>
/// <param name="Create">Makes the source from its section; notes problems in the section.</param>
public sealed record SourceType(string Type, string Doc, IReadOnlyList<Key> Keys, Func<SectionReader, IAudioSource> Create) : ComponentType(
    Type, Doc, Keys)
{
    /// <summary>The files that it reads, as far as its section names them, links followed: no sink may write to one.</summary>
    public Func<SectionReader, IEnumerable<string>> Reads { get; init; } = _ => [];
}
