using AstStream.Model.Onnx;

namespace AstStream.Model;

/// <summary>How attention is written in the graph.</summary>
public enum AttentionImplementation
{
    /// <summary>Fused into one operator (com.microsoft MultiHeadAttention), which never holds the [tokens, tokens] matrix as a whole.</summary>
    Sdpa,

    /// <summary>Written out: product, softmax, product. Needed for <see cref="AstOutputs.Attentions"/>.</summary>
    Eager,
}

/// <summary>The precision that the encoder's products are done in. LayerNorm and softmax are float32 whatever it is; sums are float32 inside a product, or whole numbers of 32 bits with int8.</summary>
public enum ModelPrecision
{
    /// <summary>float32.</summary>
    Float32,

    /// <summary>float16; not on the CPU, which has no kernels for it.</summary>
    Float16,

    /// <summary>bfloat16; not on the CPU.</summary>
    BFloat16,

    /// <summary>Weights and activations of the linear layers in eight bits, attention in float32; CPU only.</summary>
    Int8,
}

/// <summary>What a session gives besides logits.</summary>
[Flags]
public enum AstOutputs
{
    /// <summary>[batch, labels]; always given.</summary>
    Logits = 0,

    /// <summary>[batch, hidden_size]: the mean of the cls and the distillation token after the last LayerNorm.</summary>
    PoolerOutput = 1,

    /// <summary>[batch, tokens, hidden_size]: all tokens after the last LayerNorm.</summary>
    LastHiddenState = 2,

    /// <summary>[batch, layers + 1, tokens, hidden_size]: the embeddings, then each layer's output; the last one before the last LayerNorm.</summary>
    HiddenStates = 4,

    /// <summary>[batch, layers, heads, tokens, tokens]: the attention probabilities; eager attention only.</summary>
    Attentions = 8,
}

/// <summary>Which graph is built of a checkpoint.</summary>
internal sealed record AstGraphOptions
{
    public AttentionImplementation Attention { get; init; }

    public ModelPrecision Precision { get; init; }

    public AstOutputs Outputs { get; init; }

    /// <summary>Whether the input is raw log-mel and the extractor's mean and std are folded into the projection; else it is input_values.</summary>
    public bool FoldNormalization { get; init; } = true;

    /// <summary>Whether LayerNorm is written with casts to float32 around it, for a provider whose own one is not float32 inside.</summary>
    public bool CastLayerNorm { get; init; }

    /// <summary>Whether an output shows more of the last layer than the two tokens that the logits are made of.</summary>
    public bool NeedsAllTokens => (Outputs & (AstOutputs.LastHiddenState | AstOutputs.HiddenStates | AstOutputs.Attentions)) != 0;

    /// <summary>What the weights' values depend on, for their file's name; their places are added to it.</summary>
    public string WeightsName =>
        $"weights-{Precision}{(Precision == ModelPrecision.Int8 ? $"-{Quantization.Largest}" : "")}{(FoldNormalization ? "" : "-input_values")}".ToLowerInvariant();
}
