using AstStream.Streaming.Sources;

namespace AstStream.Streaming.Pipelines;

/// <summary>A source as a definition says it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Source">The source itself.</param>
/// <param name="Priority">Of its streams.</param>
/// <param name="Decibels">The gain of the transforms on its way.</param>
/// <param name="Models">The models that hear it.</param>
/// <param name="Fingerprint">Equal for definitions that say the same.</param>
internal sealed record SourceDefinition(
    string Name, IAudioSource Source, int Priority, double Decibels, IReadOnlySet<string> Models, string Fingerprint)
{
    /// <summary>What it reads and what is done to it, in a few words.</summary>
    public string Description =>
        Source.Description + (Decibels == 0 ? "" : FormattableString.Invariant($", gain of {Decibels} dB")) + (
        Priority == 0 ? "" : $", priority {Priority}");
}
