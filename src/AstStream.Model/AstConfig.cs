namespace AstStream.Model;

/// <summary>
/// The numbers of an Audio Spectrogram Transformer, by their names in Hugging Face's ASTConfig, and what follows from them.
/// </summary>
public sealed record AstConfig
{
    /// <summary>Width of the encoder.</summary>
    public required int HiddenSize { get; init; }

    /// <summary>Encoder layers.</summary>
    public required int NumHiddenLayers { get; init; }

    /// <summary>Attention heads; divides <see cref="HiddenSize"/>.</summary>
    public required int NumAttentionHeads { get; init; }

    /// <summary>Width of the MLP inside a layer.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Epsilon of every LayerNorm.</summary>
    public required float LayerNormEps { get; init; }

    /// <summary>Side of a square patch, in frames and in mel bins.</summary>
    public required int PatchSize { get; init; }

    /// <summary>Whether query, key and value have a bias.</summary>
    public required bool QkvBias { get; init; }

    /// <summary>Mel bins between neighbouring patches.</summary>
    public required int FrequencyStride { get; init; }

    /// <summary>Frames between neighbouring patches.</summary>
    public required int TimeStride { get; init; }

    /// <summary>Frames of one window.</summary>
    public required int MaxLength { get; init; }

    /// <summary>Mel bins of one frame.</summary>
    public required int NumMelBins { get; init; }

    /// <summary>The class names, by index.</summary>
    public required IReadOnlyList<string> Labels { get; init; }

    /// <summary>single_label_classification, multi_label_classification, or null where the checkpoint does not say.</summary>
    public string? ProblemType { get; init; }

    /// <summary>Patches along the frequency axis.</summary>
    public int FrequencyPatches => ((NumMelBins - PatchSize) / FrequencyStride) + 1;

    /// <summary>Patches along the time axis.</summary>
    public int TimePatches => ((MaxLength - PatchSize) / TimeStride) + 1;

    /// <summary>Tokens of one window: the patches, the cls token and the distillation token.</summary>
    public int Tokens => (FrequencyPatches * TimePatches) + 2;

    /// <summary>
    /// Multiply-accumulates of one window: per layer 4·N·d² for the projections, 2·N·d·m for the MLP and 2·N²·d for the
    /// attention; the patch embedding and the classifier besides.
    /// </summary>
    public double MacsPerWindow
    {
        get
        {
            double n = Tokens, d = HiddenSize, m = IntermediateSize;
            var layer = (4 * n * d * d) + (2 * n * d * m) + (2 * n * n * d);
            return (NumHiddenLayers * layer) + (PatchSize * PatchSize * d * (n - 2)) + (d * Labels.Count);
        }
    }

    /// <summary>The activation that turns logits into scores: by problem_type, else by the labels, else softmax.</summary>
    /// <remarks>
    /// AudioSet's checkpoints were published without a problem_type, and they are multi-label: the 527 labels that begin with
    /// Speech tell them. Anything else without one is read as single-label, as transformers does.
    /// </remarks>
    public ScoreActivation DefaultActivation => ProblemType switch
    {
        "multi_label_classification" => ScoreActivation.Sigmoid,
        "single_label_classification" => ScoreActivation.Softmax,
        _ => Labels.Count == 1 || (Labels.Count == 527 && Labels[0] == "Speech") ? ScoreActivation.Sigmoid : ScoreActivation.Softmax,
    };
}
