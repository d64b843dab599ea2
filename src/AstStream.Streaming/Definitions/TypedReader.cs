namespace AstStream.Streaming.Definitions;

/// <summary>A component of a section that is not the engine's: a mapping with a type.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type.</param>
/// <param name="Section">Its keys.</param>
public sealed record TypedReader<T>(string Name, T Type, SectionReader Section) : NamedReader(Name, Section)
    where T : ComponentType;
