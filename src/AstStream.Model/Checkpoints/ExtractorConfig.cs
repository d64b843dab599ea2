namespace AstStream.Model.Checkpoints;

/// <summary>The numbers of Hugging Face's ASTFeatureExtractor that the checkpoint decides.</summary>
/// <param name="Mean">Mean log-mel energy of the training data.</param>
/// <param name="Std">Its standard deviation.</param>
/// <param name="DoNormalize">Whether input values are normalised.</param>
public sealed record ExtractorConfig(float Mean, float Std, bool DoNormalize)
{
    /// <summary>AudioSet's, which transformers takes where a checkpoint does not say.</summary>
    public static ExtractorConfig AudioSet { get; } = new(-4.2677393f, 4.5689974f, true);

    /// <summary>
    /// Of data that checkpoints were published for, by name: as the AST authors' recipes have them, and transformers' converter.
    /// </summary>
    public static IReadOnlyDictionary<string, ExtractorConfig> Known { get; } = new Dictionary<string, ExtractorConfig>(
        StringComparer.Ordinal)
    {
        ["audioset"] = AudioSet,
        ["speech-commands"] = new(-6.845978f, 5.5654526f, true),
        ["esc50"] = new(-6.6268077f, 5.358466f, true),
    };
}
