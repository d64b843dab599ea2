namespace AstStream.Model.Checkpoints;

/// <summary>
/// The numbers of an Audio Spectrogram Transformer, by their names in Hugging Face's ASTConfig, and what follows from them.
/// </summary>
public sealed record AstConfig
{
    internal const string MultiLabel = "multi_label_classification";
    internal const string SingleLabel = "single_label_classification";

    // Far beyond any model that exists (AST-base: 1,214 and 310,272); attention over more would take all memory.
    private const int MaxTokens = 8192;
    private const int MaxPatchValues = 1 << 24;

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

    /// <summary>The function inside a layer's MLP; GELU in every published AST.</summary>
    public HiddenAct HiddenAct { get; init; }

    /// <summary>single_label_classification, multi_label_classification, regression, or null where the checkpoint does not say.</summary>
    public string? ProblemType { get; init; }

    /// <summary>What says when in a window a label sounds; null where the checkpoint has nothing of the kind.</summary>
    public LocaliserConfig? Localiser { get; init; }

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
    public double MacsPerWindow => (NumHiddenLayers * Macs(Tokens)) + MacsBesides;

    /// <summary>
    /// Multiply-accumulates that are done for the logits: in the last layer, queries, projection and MLP of the cls and the distillation
    /// token alone.
    /// </summary>
    public double MacsForLogits => ((NumHiddenLayers - 1) * Macs(Tokens)) + Macs(2) + MacsBesides;

    private double MacsBesides => ((double)PatchSize * PatchSize * HiddenSize * (Tokens - 2)) + ((double)HiddenSize * Labels.Count);

    /// <summary>Multiply-accumulates of a layer in which so many tokens ask all of them.</summary>
    private double Macs(double asking)
    {
        double n = Tokens, d = HiddenSize, m = IntermediateSize;
        return (((2 * asking) + (2 * n)) * d * d) + (2 * asking * d * m) + (2 * asking * n * d);
    }

    /// <summary>
    /// The same model for another window: the position embeddings are cropped or interpolated to it when the graph is built.
    /// </summary>
    /// <param name="maxLength">Frames of one window; null leaves it.</param>
    /// <param name="frequencyStride">Mel bins between neighbouring patches; null leaves it.</param>
    /// <param name="timeStride">Frames between neighbouring patches; null leaves it.</param>
    /// <exception cref="ModelExecutionException">No such window can be run.</exception>
    public AstConfig WithWindow(int? maxLength, int? frequencyStride = null, int? timeStride = null)
    {
        var config = this with
        {
            MaxLength = maxLength ?? MaxLength,
            FrequencyStride = frequencyStride ?? FrequencyStride,
            TimeStride = timeStride ?? TimeStride
        };
        if (config.MaxLength < PatchSize)
            throw new ModelExecutionException(
                $"a window of {config.MaxLength} frames; expected at least the patch's {PatchSize} frames of 10 ms");
        if (config.FrequencyStride < 1 || config.TimeStride < 1)
            throw new ModelExecutionException(
                $"strides of {config.FrequencyStride} (frequency) and {config.TimeStride} (time); expected 1 or more");
        return config.IsTooLarge
            ? throw new ModelExecutionException($"{config.TooLarge}; take a shorter window or longer strides") : config;
    }

    /// <summary>
    /// Of each label, the indices of those that stand above it in AudioSet's ontology, as far as they are labels too; empty for a label
    /// that AudioSet does not have.
    /// </summary>
    public IReadOnlyList<IReadOnlyList<int>> Ancestors() => AudioSet.Ancestors(Labels);

    internal bool IsTooLarge =>
        (((long)FrequencyPatches * TimePatches) + 2) is var tokens
        && (tokens > MaxTokens || tokens * PatchSize * PatchSize > MaxPatchValues);

    internal string TooLarge =>
        $"{Tokens} tokens of {PatchSize}×{PatchSize} values in a window; expected at most {MaxTokens} tokens and {MaxPatchValues} values";

    /// <summary>The activation that turns logits into scores: by problem_type, else by the labels, else softmax.</summary>
    /// <remarks>
    /// AudioSet's checkpoints were published without a problem_type, and they are multi-label: the 527 labels that begin with
    /// Speech tell them. Anything else without one is read as single-label, as transformers does.
    /// </remarks>
    public ScoreActivation DefaultActivation => ProblemType switch
    {
        MultiLabel => ScoreActivation.Sigmoid,
        SingleLabel => ScoreActivation.Softmax,
        "regression" => ScoreActivation.None,
        _ => Labels.Count == 1 || (Labels.Count == 527 && Labels[0] == "Speech") ? ScoreActivation.Sigmoid : ScoreActivation.Softmax,
    };
}
