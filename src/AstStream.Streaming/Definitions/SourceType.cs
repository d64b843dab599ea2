namespace AstStream.Streaming.Definitions;

/// <summary>A source type.</summary>
/// <param name="Type">The value of `type`.</param>
/// <param name="Doc">What it does.</param>
/// <param name="Keys">Its keys, besides those that every source has.</param>
/// <param name="Read">Takes the values of a section, and notes problems in it.</param>
public sealed record SourceType(string Type, string Doc, IReadOnlyList<Key> Keys, Func<SectionReader, SourceSettings> Read)
    : ComponentType(Type, Doc, Keys);
