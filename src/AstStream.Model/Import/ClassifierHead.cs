namespace AstStream.Model.Import;

/// <summary>The last layer of a model whose labels may sound together: a logit a label, and a sigmoid.</summary>
/// <param name="Labels">The labels.</param>
/// <param name="Weights">[labels, hidden_size], of embeddings after the classifier's LayerNorm.</param>
/// <param name="Bias">[labels].</param>
public sealed record ClassifierHead(IReadOnlyList<string> Labels, IReadOnlyList<float> Weights, IReadOnlyList<float> Bias);
