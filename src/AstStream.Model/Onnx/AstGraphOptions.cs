namespace AstStream.Model.Onnx;

/// <summary>Which graph is built of a checkpoint.</summary>
internal sealed record AstGraphOptions
{
    public AttentionImplementation Attention { get; init; }

    public ModelPrecision Precision { get; init; }

    public AstOutputs Outputs { get; init; }

    /// <summary>
    /// Whether the input is raw log-mel and the extractor's mean and std are folded into the projection; else it is input_values, as half
    /// precision needs.
    /// </summary>
    public bool FoldNormalization { get; init; } = true;

    /// <summary>
    /// Whether the biases of keys and values are folded away: a key's adds the same to all of a query's scores, which softmax takes out
    /// again; a value's passes through the attention, whose weights sum to 1, and is added with the output's. true by default. An
    /// eight-bit product adds its bias itself, at no cost, and keeps it.
    /// </summary>
    public bool FoldBiases { get; init; } = true;

    /// <summary>
    /// Whether queries, keys and values come from one product where attention is fused: fewer and larger products for a device that
    /// small ones leave idle. CUDA's attention alone takes them so. The last layer, of which two tokens ask, has its own products.
    /// </summary>
    public bool PackQkv { get; init; }

    /// <summary>Whether LayerNorm is written with casts to float32 around it, for a provider whose own one is not float32 inside.</summary>
    public bool CastLayerNorm { get; init; }

    /// <summary>Whether an output shows more of the last layer than the two tokens that the logits are made of.</summary>
    public bool NeedsAllTokens => (Outputs & ~AstOutputs.PoolerOutput) != AstOutputs.Logits;

    /// <summary>What the weights' values depend on, for their file's name; their places are added to it.</summary>
    public string WeightsName =>
        ($"weights-{Precision}{(Precision == ModelPrecision.Int8 ? $"-{Quantization.Largest}" : "")}"
            + (FoldNormalization ? "" : "-input_values")).ToLowerInvariant();
}
