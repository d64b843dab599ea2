namespace AstStream.Model.Onnx;

/// <summary>How attention is written in the graph.</summary>
public enum AttentionImplementation
{
    /// <summary>
    /// Fused into one operator (com.microsoft MultiHeadAttention), which never holds the [tokens, tokens] matrix as a whole.
    /// </summary>
    Sdpa,

    /// <summary>Written out: product, softmax, product. Needed for <see cref="AstOutputs.Attentions"/>.</summary>
    Eager,
}
