using AstStream.Streaming.Sinks;

namespace AstStream.Streaming.Pipelines;

/// <summary>A sink type.</summary>
/// <param name="Type">The value of `type`.</param>
/// <param name="Doc">What it does.</param>
/// <param name="Keys">Its keys.</param>
/// <param name="Create">Makes the sink from its section; notes problems in the section.</param>
public sealed record SinkType(string Type, string Doc, IReadOnlyList<Key> Keys, Func<SectionReader, ISink> Create) : ComponentType(
    Type, Doc, Keys)
{
    /// <summary>The records that it can take: events and coverage by default.</summary>
    public IReadOnlyList<string> Records { get; init; } = ["events", "coverage"];

    /// <summary>The file that it writes, links followed: no other sink may write to it.</summary>
    public Func<SectionReader, string?> Writes { get; init; } = _ => null;
}
