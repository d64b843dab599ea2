namespace AstStream.Model.Onnx;

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

    /// <summary>
    /// [batch, layers + 1, tokens, hidden_size]: the embeddings, then each layer's output; the last one before the last LayerNorm.
    /// </summary>
    HiddenStates = 4,

    /// <summary>[batch, layers, heads, tokens, tokens]: the attention probabilities; eager attention only.</summary>
    Attentions = 8,

    /// <summary>
    /// [batch, columns, groups]: the localiser's logits, by the window's columns of patches; of a checkpoint that has a localiser.
    /// </summary>
    Columns = 16,
}
