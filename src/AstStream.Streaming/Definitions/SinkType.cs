using AstStream.Streaming.Sinks;

namespace AstStream.Streaming.Definitions;

/// <summary>A sink type.</summary>
/// <param name="Type">The value of `type`.</param>
/// <param name="Doc">What it does.</param>
/// <param name="Keys">Its keys, besides those that every sink has.</param>
/// <param name="Read">Takes the values of a section, and notes problems in it; what all sinks have in common is read already.</param>
public sealed record SinkType(string Type, string Doc, IReadOnlyList<Key> Keys, Func<SectionReader, SinkOptions, SinkSettings> Read)
    : ComponentType(Type, Doc, Keys)
{
    /// <summary>The records that it can take: events and coverage by default.</summary>
    public IReadOnlyList<string> Records { get; init; } = ["events", "coverage"];
}
