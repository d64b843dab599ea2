using AstStream.Model.Import;

namespace AstStream.Model;

/// <summary>What the shapes of an AST authors' checkpoint do not tell. The defaults are the paper's (AudioSet, strides 10/10, 10.24 s).</summary>
public sealed record AuthorsOptions
{
    /// <summary>Attention heads; null, the default, for heads of 64 as in all published sizes (12 in AST-base). A wrong number can't be seen in the shapes.</summary>
    public int? NumAttentionHeads { get; init; }

    /// <summary>Mel bins between neighbouring patches; 10 by default.</summary>
    public int FrequencyStride { get; init; } = 10;

    /// <summary>Frames between neighbouring patches; 10 by default.</summary>
    public int TimeStride { get; init; } = 10;

    /// <summary>Frames of one window; 1024 by default.</summary>
    public int MaxLength { get; init; } = 1024;

    /// <summary>Mel bins of one frame; 128 by default.</summary>
    public int NumMelBins { get; init; } = 128;

    /// <summary>The class names by index; null for LABEL_0 and so on, as transformers names them.</summary>
    public IReadOnlyList<string>? Labels { get; init; }

    /// <summary>single_label_classification or multi_label_classification; null for the latter with AudioSet's 527 classes, and else the former.</summary>
    public string? ProblemType { get; init; }

    /// <summary>Mean log-mel energy of the training data; AudioSet's by default.</summary>
    public float Mean { get; init; } = ExtractorConfig.AudioSet.Mean;

    /// <summary>Its standard deviation; AudioSet's by default.</summary>
    public float Std { get; init; } = ExtractorConfig.AudioSet.Std;

    /// <summary>The configuration of a file, from the shapes of its tensors, by our names, and these options.</summary>
    internal (AstConfig Config, ExtractorConfig Extractor) Infer(string file, IReadOnlyDictionary<string, TensorSource> tensors)
    {
        int Dimension(string name, int axis, int axes) => tensors.TryGetValue(name, out var tensor) && tensor.Shape is var shape && shape.Length == axes && shape[axis] > 0
            ? shape[axis]
            : throw new InvalidCheckpointException($"{file}: has no tensor for {name} with {axes} dimensions, which tells how large the model is");
        var hidden = Dimension(AstTensors.ClsToken, 2, 3);
        var labels = Dimension(AstTensors.ClassifierDense + ".weight", 0, 2);
        if (labels > ConfigReader.MaxLabels)
            throw new InvalidCheckpointException($"{file}: gives {labels} logits; expected at most {ConfigReader.MaxLabels}");
        ArgumentOutOfRangeException.ThrowIfLessThan(Math.Min(Math.Min(NumAttentionHeads ?? 1, FrequencyStride), Math.Min(TimeStride, MaxLength)), 1);
        if (!float.IsFinite(Mean) || !(Std >= 1e-6f) || !float.IsFinite(Std))
            throw new InvalidCheckpointException(FormattableString.Invariant($"--mean {Mean}, --std {Std}: expected finite numbers, the second one from 0.000001"));
        if (Labels is not null && Labels.Count != labels)
            throw new InvalidCheckpointException($"--labels: has {Labels.Count} labels; {file} gives {labels} logits");
        var layers = 0;
        while (tensors.ContainsKey(AstTensors.Layer(layers, "layernorm_before.weight")))
            layers++;
        if (NumAttentionHeads is null && hidden % 64 != 0)
            throw new InvalidCheckpointException($"{file}: is {hidden} wide, which heads of 64, as in the published sizes, do not divide; its shapes do not tell how many it has: give --num-attention-heads");
        if (NumAttentionHeads is { } given && hidden % given != 0)
            throw new InvalidCheckpointException($"{file}: is {hidden} wide, which {given} heads do not divide; expected another --num-attention-heads");
        var config = new AstConfig
        {
            HiddenSize = hidden,
            NumHiddenLayers = layers,
            NumAttentionHeads = NumAttentionHeads ?? (hidden / 64),
            IntermediateSize = Dimension(AstTensors.Layer(0, "intermediate.dense.weight"), 0, 2),
            LayerNormEps = 1e-12f, // as transformers has it for these checkpoints
            PatchSize = Dimension(AstTensors.Projection + ".weight", 2, 4),
            QkvBias = tensors.ContainsKey(AstTensors.Layer(0, "attention.attention.query.bias")),
            FrequencyStride = FrequencyStride,
            TimeStride = TimeStride,
            MaxLength = MaxLength,
            NumMelBins = NumMelBins,
            Labels = Labels ?? [.. Enumerable.Range(0, labels).Select(i => $"LABEL_{i}")],
            ProblemType = ProblemType ?? (labels == 527 ? "multi_label_classification" : "single_label_classification"),
        };
        if (config.PatchSize > MaxLength || config.PatchSize > NumMelBins || config.IsTooLarge)
            throw new InvalidCheckpointException($"{file}: patches of {config.PatchSize} do not make a window of {MaxLength} frames of {NumMelBins} bins at strides {FrequencyStride}/{TimeStride}; give --max-length, --frequency-stride and --time-stride");
        return (config, new ExtractorConfig(Mean, Std, true));
    }
}
