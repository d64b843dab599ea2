using AstStream.Model.Checkpoints;

namespace AstStream.Model.Import;

/// <summary>What another head of a checkpoint is made of.</summary>
public static class CheckpointHead
{
    /// <summary>Makes what a head is given of an embedding: the classifier's LayerNorm; without a classifier, a plain one.</summary>
    public static Func<float[], float[]> Norm(AstCheckpoint checkpoint)
    {
        var (weights, bias) = NormWeights(checkpoint);
        var epsilon = checkpoint.Config.LayerNormEps;
        return embedding =>
        {
            var mean = embedding.Average(v => (double)v);
            var scale = 1 / Math.Sqrt(embedding.Average(v => (v - mean) * (v - mean)) + epsilon);
            return [.. embedding.Select((v, i) => (float)(((v - mean) * scale * weights[i]) + bias[i]))];
        };
    }

    /// <summary>A checkpoint's own head, for labels to be added to it.</summary>
    /// <exception cref="InvalidCheckpointException">It has none, or its scores depend on one another.</exception>
    public static ClassifierHead Read(AstCheckpoint checkpoint)
    {
        if (!checkpoint.HasHead)
            throw new InvalidCheckpointException($"{checkpoint.Folder}: has no classifier (ASTModel), and so no labels to keep");
        if (checkpoint.Config.DefaultActivation != ScoreActivation.Sigmoid)
            throw new InvalidCheckpointException(
                $"{checkpoint.Folder}: its scores depend on one another (softmax), so no label can be added beside them; replace its "
                    + "labels, or take a model with problem_type multi_label_classification");
        return new ClassifierHead(
            checkpoint.Config.Labels, checkpoint.Read(AstTensors.ClassifierDense + ".weight"),
            checkpoint.Read(AstTensors.ClassifierDense + ".bias"));
    }

    /// <summary>The classifier's tensors with another head, by their names; its LayerNorm stays as it is.</summary>
    public static Dictionary<string, float[]> Tensors(AstCheckpoint checkpoint, ClassifierHead head)
    {
        var (norm, normBias) = NormWeights(checkpoint);
        return new Dictionary<string, float[]>(StringComparer.Ordinal)
        {
            [AstTensors.ClassifierLayerNorm + ".weight"] = norm,
            [AstTensors.ClassifierLayerNorm + ".bias"] = normBias,
            [AstTensors.ClassifierDense + ".weight"] = [.. head.Weights],
            [AstTensors.ClassifierDense + ".bias"] = [.. head.Bias],
        };
    }

    private static (float[] Weights, float[] Bias) NormWeights(AstCheckpoint checkpoint) => checkpoint.HasHead
        ? (checkpoint.Read(AstTensors.ClassifierLayerNorm + ".weight"), checkpoint.Read(AstTensors.ClassifierLayerNorm + ".bias"))
        : ([.. Enumerable.Repeat(1f, checkpoint.Config.HiddenSize)], new float[checkpoint.Config.HiddenSize]);
}
