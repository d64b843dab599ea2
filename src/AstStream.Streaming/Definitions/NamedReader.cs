namespace AstStream.Streaming.Definitions;

/// <summary>A mapping of a section, by the name that the definition gives it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Section">Its keys.</param>
public record NamedReader(string Name, SectionReader Section);
