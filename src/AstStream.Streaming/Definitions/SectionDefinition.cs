namespace AstStream.Streaming.Definitions;

/// <summary>A section that is not the engine's, as a definition says it.</summary>
/// <param name="Name">Its key.</param>
/// <param name="Settings">Its values.</param>
/// <param name="Fingerprint">Equal for definitions that say the same.</param>
/// <param name="Places">Where it stands.</param>
internal sealed record SectionDefinition(string Name, SectionSettings Settings, string Fingerprint, SectionPlaces Places);
