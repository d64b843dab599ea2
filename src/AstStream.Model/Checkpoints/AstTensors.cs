namespace AstStream.Model.Checkpoints;

/// <summary>The names of an AST's tensors in a Hugging Face checkpoint, and the shapes that a configuration asks of them.</summary>
internal static class AstTensors
{
    public const string Prefix = "audio_spectrogram_transformer.";
    public const string ClsToken = Prefix + "embeddings.cls_token";
    public const string DistillationToken = Prefix + "embeddings.distillation_token";
    public const string PositionEmbeddings = Prefix + "embeddings.position_embeddings";
    public const string Projection = Prefix + "embeddings.patch_embeddings.projection";
    public const string FinalLayerNorm = Prefix + "layernorm";
    public const string ClassifierLayerNorm = "classifier.layernorm";
    public const string ClassifierDense = "classifier.dense";

    public const string LocaliserPrefix = "localiser.";
    public const string LocaliserLayerNorm = LocaliserPrefix + "layernorm";
    public const string LocaliserIntermediate = LocaliserPrefix + "intermediate.dense";
    public const string LocaliserOutput = LocaliserPrefix + "output.dense";

    public const string Layers = Prefix + "encoder.layer.";

    public static string Layer(int layer, string part) => $"{Layers}{layer}.{part}";

    /// <summary>The classifier's tensors.</summary>
    public static IEnumerable<(string Name, int[] Shape)> Head(AstConfig config) =>
        Pair(ClassifierLayerNorm, [config.HiddenSize]).Concat(Pair(ClassifierDense, [config.Labels.Count, config.HiddenSize]));

    /// <summary>The localiser's tensors; none where there is none.</summary>
    public static IEnumerable<(string Name, int[] Shape)> Localiser(AstConfig config) => config.Localiser is not { } localiser ? []
        : Pair(LocaliserLayerNorm, [config.HiddenSize])
            .Concat(Pair(LocaliserIntermediate, [localiser.IntermediateSize, config.HiddenSize]))
            .Concat(Pair(LocaliserOutput, [localiser.Groups.Count, localiser.IntermediateSize]));

    public static IEnumerable<(string Name, int[] Shape)> Expected(AstConfig config, bool hasHead = true)
    {
        int d = config.HiddenSize, m = config.IntermediateSize, patch = config.PatchSize;
        yield return (ClsToken, [1, 1, d]);
        yield return (DistillationToken, [1, 1, d]);
        yield return (PositionEmbeddings, [1, config.Tokens, d]);
        yield return (Projection + ".weight", [d, 1, patch, patch]);
        yield return (Projection + ".bias", [d]);
        for (var i = 0; i < config.NumHiddenLayers; i++)
        {
            foreach (var part in (string[])["query", "key", "value"])
            {
                yield return (Layer(i, $"attention.attention.{part}.weight"), [d, d]);
                if (config.QkvBias)
                    yield return (Layer(i, $"attention.attention.{part}.bias"), [d]);
            }

            foreach (var tensor in Pair(Layer(i, "attention.output.dense"), [d, d])
                .Concat(Pair(Layer(i, "intermediate.dense"), [m, d]))
                .Concat(Pair(Layer(i, "output.dense"), [d, m]))
                .Concat(Pair(Layer(i, "layernorm_before"), [d]))
                .Concat(Pair(Layer(i, "layernorm_after"), [d])))
                yield return tensor;
        }

        foreach (var tensor in Pair(FinalLayerNorm, [d]).Concat(hasHead ? Head(config) : []).Concat(Localiser(config)))
            yield return tensor;
    }

    private static (string Name, int[] Shape)[] Pair(string name, int[] weight) =>
        [(name + ".weight", weight), (name + ".bias", [weight[0]])];
}
