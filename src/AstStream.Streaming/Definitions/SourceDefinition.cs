namespace AstStream.Streaming.Definitions;

/// <summary>A source as a definition says it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Settings">The values of its type.</param>
/// <param name="Priority">Of its streams.</param>
/// <param name="Decibels">The gain of the transforms on its way, and its own.</param>
/// <param name="Calibration">From dBFS to dB SPL, where that is known.</param>
/// <param name="Models">The models that hear it.</param>
/// <param name="Fingerprint">Equal for definitions that say the same.</param>
internal sealed record SourceDefinition(
    string Name, SourceSettings Settings, int Priority, double Decibels, double? Calibration, IReadOnlySet<string> Models,
    string Fingerprint);
