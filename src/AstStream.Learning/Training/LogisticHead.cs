using System.Numerics.Tensors;

namespace AstStream.Learning.Training;

/// <summary>A linear layer with a sigmoid for each class.</summary>
/// <param name="Weights">[classes, features].</param>
/// <param name="Bias">[classes].</param>
public sealed record LogisticHead(float[] Weights, float[] Bias)
{
    /// <summary>The classes' logits.</summary>
    public float[] Logits(ReadOnlySpan<float> features)
    {
        var logits = new float[Bias.Length];
        for (var c = 0; c < logits.Length; c++)
            logits[c] = TensorPrimitives.Dot(Weights.AsSpan(c * features.Length, features.Length), features) + Bias[c];
        return logits;
    }

    /// <summary>The classes' scores, 0 to 1.</summary>
    public float[] Scores(ReadOnlySpan<float> features)
    {
        var scores = Logits(features);
        TensorPrimitives.Sigmoid(scores, scores);
        return scores;
    }
}
