using System.Globalization;

namespace AstStream.Model.Checkpoints;

/// <summary>
/// What the shapes of a checkpoint without a configuration do not tell. What is not given is assumed only where the shapes leave one
/// published form.
/// </summary>
public sealed record AuthorsOptions
{
    // Of published checkpoints, the paper's own first.
    private static readonly (int Bins, int[] Strides)[] s_bins = [(128, [10, 16, 12, 14]), (64, [10, 16]), (80, [10, 16]), (40, [10, 16])];
    private static readonly int[] s_lengths = [1024, 512, 128, 256, 100, 200, 400, 500, 800, 998, 1000, 1056, 2048];

    /// <summary>
    /// Attention heads; null, the default, for heads of 64 as in all published sizes (12 in AST-base). A wrong number can't be seen in the
    /// shapes.
    /// </summary>
    public int? NumAttentionHeads { get; init; }

    /// <summary>Mel bins between neighbouring patches; null for what the shapes leave, 10 in the paper.</summary>
    public int? FrequencyStride { get; init; }

    /// <summary>Frames between neighbouring patches; null for what the shapes leave, 10 in the paper.</summary>
    public int? TimeStride { get; init; }

    /// <summary>Frames of one window; null for what the shapes leave, 1024 for AudioSet.</summary>
    public int? MaxLength { get; init; }

    /// <summary>Mel bins of one frame; null for what the shapes leave, 128 in the paper.</summary>
    public int? NumMelBins { get; init; }

    /// <summary>
    /// The class names by index; null for LABEL_0 and so on, as transformers names them. Equal ones are told apart by a number.
    /// </summary>
    public IReadOnlyList<string>? Labels { get; init; }

    /// <summary>
    /// single_label_classification or multi_label_classification; null for the latter with AudioSet's 527 classes, and else the former.
    /// </summary>
    public string? ProblemType { get; init; }

    /// <summary>Mean log-mel energy of the training data; null for AudioSet's.</summary>
    public float? Mean { get; init; }

    /// <summary>Its standard deviation; null for AudioSet's.</summary>
    public float? Std { get; init; }

    /// <summary>
    /// The configuration of a file, from the shapes of its tensors, by our names, and these options; and what was assumed.
    /// </summary>
    internal (AstConfig Config, ExtractorConfig Extractor, IReadOnlyList<string> Assumptions) Infer(
        string file, IReadOnlyDictionary<string, TensorSource> tensors)
    {
        int Dimension(string name, int axis, int axes) => tensors.TryGetValue(name, out var tensor) && tensor.Shape is var shape
            && shape.Length == axes && shape[axis] > 0
            ? shape[axis]
            : throw new InvalidCheckpointException($"{file}: has no tensor for {name} with {axes} dimensions, which tells how large the "
                + $"model is; it holds {string.Join(", ", tensors.Values.Take(4).Select(t => t.Name))}"
                + $"{(tensors.Count > 4 ? $" and {tensors.Count - 4} more" : "")}. "
                + $"Expected an AST's state dict, by the names of its authors' code or transformers'");
        var hidden = Dimension(AstTensors.ClsToken, 2, 3);
        var labels = Dimension(AstTensors.ClassifierDense + ".weight", 0, 2);
        if (labels > ConfigReader.MaxLabels)
            throw new InvalidCheckpointException($"{file}: gives {labels} logits; expected at most {ConfigReader.MaxLabels}");
        ArgumentOutOfRangeException.ThrowIfLessThan(
            new[] { NumAttentionHeads, FrequencyStride, TimeStride, MaxLength, NumMelBins }.Min() ?? 1, 1);
        var extractor = new ExtractorConfig(Mean ?? ExtractorConfig.AudioSet.Mean, Std ?? ExtractorConfig.AudioSet.Std, true);
        if (!float.IsFinite(extractor.Mean) || !(extractor.Std >= 1e-6f) || !float.IsFinite(extractor.Std))
            throw new InvalidCheckpointException(FormattableString.Invariant(
                $"--mean {extractor.Mean}, --std {extractor.Std}: expected finite numbers, the second one from 0.000001"));
        if (Labels is not null && Labels.Count != labels)
            throw new InvalidCheckpointException($"--labels: has {Labels.Count} labels; {file} gives {labels} logits");
        var names = LabelNames.Distinct(Labels ?? [.. Enumerable.Range(0, labels).Select(i => $"LABEL_{i}")], out _);
        var layers = 0;
        while (tensors.ContainsKey(AstTensors.Layer(layers, "layernorm_before.weight")))
            layers++;
        if (NumAttentionHeads is null && hidden % 64 != 0)
            throw new InvalidCheckpointException(
                $"{file}: is {hidden} wide, which heads of 64, as in the published sizes, do not divide; its shapes do not tell how many "
                    + $"it has: give --num-attention-heads");
        if (NumAttentionHeads is { } given && hidden % given != 0)
            throw new InvalidCheckpointException(
                $"{file}: is {hidden} wide, which {given} heads do not divide; expected another --num-attention-heads");
        var config = new AstConfig
        {
            HiddenSize = hidden,
            NumHiddenLayers = layers,
            NumAttentionHeads = NumAttentionHeads ?? (hidden / 64),
            IntermediateSize = Dimension(AstTensors.Layer(0, "intermediate.dense.weight"), 0, 2),
            LayerNormEps = 1e-12f, // as transformers has it for these checkpoints
            PatchSize = Dimension(AstTensors.Projection + ".weight", 2, 4),
            QkvBias = tensors.ContainsKey(AstTensors.Layer(0, "attention.attention.query.bias")),
            FrequencyStride = FrequencyStride ?? s_bins[0].Strides[0],
            TimeStride = TimeStride ?? s_bins[0].Strides[0],
            MaxLength = MaxLength ?? s_lengths[0],
            NumMelBins = NumMelBins ?? s_bins[0].Bins,
            Labels = names,
            ProblemType = ProblemType ?? (labels == 527 ? "multi_label_classification" : "single_label_classification"),
        };
        config = Window(file, config, Dimension(AstTensors.PositionEmbeddings, 1, 3));
        if (config.PatchSize > config.MaxLength || config.PatchSize > config.NumMelBins || config.IsTooLarge)
            throw new InvalidCheckpointException($"{file}: patches of {config.PatchSize} do not make a window of {config.MaxLength} "
                + $"frames of {config.NumMelBins} bins at strides {config.FrequencyStride}/{config.TimeStride}; give --max-length, "
                + $"--num-mel-bins, --frequency-stride and --time-stride");
        return (config, extractor, Assumed(config, extractor));
    }

    /// <summary>The window that so many tokens make, where what was given and what is published leave one.</summary>
    private AstConfig Window(string file, AstConfig config, int tokens)
    {
        var fits = Fits(config, tokens, MaxLength is { } length ? [length] : s_lengths);
        if (fits.Count == 0)
            return config; // what does not fit is reported with the other shapes

        // Lengths that differ by less than a stride give the same patches: of those the more common one, which comes first.
        var different = fits.DistinctBy(c => (c.NumMelBins, c.FrequencyStride, c.TimeStride, c.TimePatches)).ToList();
        if (different.Count == 1)
            return different[0];
        throw new InvalidCheckpointException($"{file}: {tokens} tokens are those of "
            + $"{string.Join(", or ", different.Take(4).Select(Describe))}; which? Give {string.Join(", ", Asked())}");
    }

    /// <summary>All ways in which published models, and what was given, come to so many tokens.</summary>
    private List<AstConfig> Fits(AstConfig config, int tokens, int[] lengths) =>
    [
        .. from known in NumMelBins is { } bins ? [(Bins: bins, s_bins[0].Strides)] : s_bins
           from stride in known.Strides
           from length in lengths
           let one = config with { NumMelBins = known.Bins, FrequencyStride = FrequencyStride
               ?? stride, TimeStride = TimeStride ?? stride, MaxLength = length }
           where config.PatchSize <= one.NumMelBins && config.PatchSize <= length && !one.IsTooLarge && one.Tokens == tokens
           select one,
    ];

    private static string Describe(AstConfig config) => string.Create(
        CultureInfo.InvariantCulture,
        $"{config.MaxLength} frames of {config.NumMelBins} mel bins at strides {config.FrequencyStride}/{config.TimeStride}");

    private IEnumerable<string> Asked() =>
        new (int? Value, string Name)[] { (NumMelBins, "--num-mel-bins"), (
            MaxLength, "--max-length"), (FrequencyStride, "--frequency-stride"), (TimeStride, "--time-stride") }
            .Where(o => o.Value is null).Select(o => o.Name);

    /// <summary>What was not given and not certain, with the flag that gives it.</summary>
    private List<string> Assumed(AstConfig config, ExtractorConfig extractor)
    {
        List<string> assumed = [];
        void Add(bool isGiven, string what)
        {
            if (!isGiven)
                assumed.Add(what);
        }

        Add(NumMelBins is not null, string.Create(CultureInfo.InvariantCulture, $"{config.NumMelBins} mel bins (--num-mel-bins)"));
        Add(MaxLength is not null, string.Create(CultureInfo.InvariantCulture, $"{config.MaxLength} frames (--max-length)"));
        Add(FrequencyStride is not null && TimeStride is not null, string.Create(
            CultureInfo.InvariantCulture, $"strides {config.FrequencyStride}/{config.TimeStride} (--frequency-stride, --time-stride)"));
        Add(NumAttentionHeads is not null, string.Create(
            CultureInfo.InvariantCulture, $"{config.NumAttentionHeads} heads (--num-attention-heads)"));
        Add(Mean is not null && Std is not null, string.Create(CultureInfo.InvariantCulture, $"AudioSet's statistics, mean "
            + $"{extractor.Mean} and std {extractor.Std} (--statistics {string.Join('|', ExtractorConfig.Known.Keys)}, or --mean "
            + $"and --std)"));
        Add(ProblemType is not null, $"{config.ProblemType} (--problem-type)");
        return assumed;
    }
}
