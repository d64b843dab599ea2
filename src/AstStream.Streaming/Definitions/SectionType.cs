namespace AstStream.Streaming.Definitions;

/// <summary>A section of a definition that somebody else than the engine offers, and that needs a restart where it changes.</summary>
/// <param name="Name">Its key in the file.</param>
/// <param name="Doc">What it is for.</param>
/// <param name="Keys">Its keys.</param>
/// <param name="Read">Takes its values, and notes problems in them.</param>
public sealed record SectionType(string Name, string Doc, IReadOnlyList<Key> Keys, Func<SectionReader, SectionSettings> Read)
{
    /// <summary>The section as a key of the file.</summary>
    internal Key<SectionReader?> Key { get; } = Definitions.Keys.Nested(Name, Doc, [.. Keys]);
}
