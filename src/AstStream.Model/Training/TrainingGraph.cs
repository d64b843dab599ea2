using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;

namespace AstStream.Model.Training;

/// <summary>
/// Builds the graphs that train an AST. Weights are inputs, by the names of <see cref="AstTensors"/>, as checkpoints keep them.
/// </summary>
internal sealed class TrainingGraph
{
    public const string Input = AstGraph.InputValues;
    public const string Targets = "targets";
    public const string Weights = "weights";
    public const string ColumnTargets = "column_targets";
    public const string ColumnWeights = "column_weights";
    public const string Loss = "loss";
    public const string Logits = AstGraph.Logits;
    public const string Columns = AstGraph.Columns;
    public const string IsFirst = "is_first";
    public const string Squares = "squares";

    private readonly AstConfig _config;
    private readonly TrainingSessionOptions _options;
    private readonly OnnxGraph _graph = new("none");
    private readonly GraphEmitter _emit;
    private readonly Dictionary<string, GraphTensor> _parameters = new(StringComparer.Ordinal);

    private TrainingGraph(AstConfig config, TrainingSessionOptions options)
    {
        (_config, _options) = (config, options);
        _emit = new GraphEmitter(_graph, options.Precision.ActivationType());
    }

    /// <summary>The sum of a parameter's gradients so far, and with this batch's.</summary>
    public static string SumOf(string parameter) => "sum." + parameter;

    /// <summary>The output with this batch's gradients added.</summary>
    public static string GradientOf(string parameter) => "grad." + parameter;

    /// <summary>
    /// The parameters that are trained, in the order of the checkpoint. A key's bias adds the same to all of a query's scores, which
    /// softmax takes out again: it has no gradient.
    /// </summary>
    public static IEnumerable<(string Name, int[] Shape)> Trained(AstConfig config, TrainingSessionOptions options) =>
        All(config, options).Where(t => IsTrained(t.Name, config, options));

    /// <summary>Every parameter that the graphs take; a convolution's kernel is a matrix of the same numbers.</summary>
    public static IEnumerable<(string Name, int[] Shape)> All(AstConfig config, TrainingSessionOptions options) =>
        AstTensors.Expected(options.TrainsColumns ? config : config with { Localiser = null })
            .Select(t => (t.Name, t.Shape.Length == 4 ? [t.Shape[0], t.Shape[1] * t.Shape[2] * t.Shape[3]] : t.Shape));

    /// <summary>The layer that a parameter belongs to: -1 for the embeddings, the number of layers for what comes after them.</summary>
    public static int LayerOf(string name, AstConfig config)
    {
        if (!name.StartsWith(AstTensors.Layers, StringComparison.Ordinal))
            return name.StartsWith(AstTensors.Prefix + "embeddings.", StringComparison.Ordinal) ? -1 : config.NumHiddenLayers;
        var rest = name[AstTensors.Layers.Length..];
        return int.Parse(rest[..rest.IndexOf('.', StringComparison.Ordinal)], System.Globalization.CultureInfo.InvariantCulture);
    }

    /// <summary>
    /// A step's forward and backward pass: loss and logits of a batch, and the sums of gradients. The sums may lie where they lay before.
    /// </summary>
    public static byte[] Gradients(AstConfig config, TrainingSessionOptions options)
    {
        var build = new TrainingGraph(config, options);
        build.Gradients();
        return build._graph.ToModel();
    }

    /// <summary>The logits of a batch, and the localiser's where it is trained.</summary>
    public static byte[] Forward(AstConfig config, TrainingSessionOptions options)
    {
        var build = new TrainingGraph(config, options with { FirstTrained = config.NumHiddenLayers });
        build.Declare();
        var (logits, columns) = build.Outputs(new Tape(build._emit));
        build._emit.Output(logits, Logits);
        if (columns is not null)
            build._emit.Output(columns, Columns);
        return build._graph.ToModel();
    }

    private static bool IsTrained(string name, AstConfig config, TrainingSessionOptions options) => options.TrainsColumnsAlone
        ? name.StartsWith(AstTensors.LocaliserPrefix, StringComparison.Ordinal)
        : LayerOf(name, config) >= options.FirstTrained && !name.EndsWith("attention.attention.key.bias", StringComparison.Ordinal);

    private void Declare()
    {
        foreach (var (name, shape) in All(_config, _options))
            _parameters.Add(name, _emit.Input(name, shape) with { NeedsGradient = IsTrained(name, _config, _options) });
    }

    private void Gradients()
    {
        Declare();
        var tape = new Tape(_emit);
        var (logits, columns) = Outputs(tape);
        var loss = _options.TrainsColumnsAlone ? null : LossOf(tape, logits);
        if (columns is not null)
        {
            var placed = tape.BinaryCrossEntropy(
                columns, _emit.Input(ColumnTargets, columns.Shape), _emit.Input(ColumnWeights, columns.Shape));
            loss = loss is null ? placed : tape.SumOfLosses(loss, placed);
        }

        _emit.Output(loss!, Loss);
        _emit.Output(logits, Logits);
        tape.Backward(loss!);

        // From the first parameter to the last: ONNX Runtime runs first what its last output needs, and the last ones are ready first.
        _graph.Input(IsFirst, ElementType.Bool);
        var zero = _emit.Zero();
        foreach (var (name, _) in Trained(_config, _options))
        {
            var parameter = _parameters[name];
            var gradient = tape.GradientOf(parameter)
                ?? throw new InvalidOperationException($"{name} is in no output, and has no gradient");
            var before = _emit.Where(IsFirst, zero, _emit.Input(SumOf(name), parameter.Shape));
            _emit.Named("Add", GradientOf(name), parameter.Shape, before, gradient);
            _emit.Declare(GradientOf(name), parameter.Shape);
        }
    }

    private GraphTensor LossOf(Tape tape, GraphTensor logits)
    {
        var isCrossEntropy = _options.Loss == TrainingLoss.CrossEntropy;
        var targets = _emit.Input(Targets, logits.Shape);
        var weights = _emit.Input(Weights, [logits.Shape[0], isCrossEntropy ? 1 : logits.Shape[1]]);
        return isCrossEntropy ? tape.CrossEntropy(logits, targets, weights) : tape.BinaryCrossEntropy(logits, targets, weights);
    }

    /// <summary>The logits, [batch, labels], and, where it is trained, what the localiser says, [batch · columns, groups].</summary>
    private (GraphTensor Logits, GraphTensor? Columns) Outputs(Tape tape)
    {
        int batch = _options.Batch, tokens = _config.Tokens, d = _config.HiddenSize;
        var x = Embeddings(tape);
        for (var i = 0; i < _config.NumHiddenLayers; i++)
        {
            var layer = i;
            x = _options.Checkpoints ? tape.Checkpoint(x, (t, input) => Layer(t, layer, input)) : Layer(tape, layer, x);
        }

        x = Norm(tape, AstTensors.FinalLayerNorm, x);
        var count = x.Shape[0] / batch; // two where nobody asks for more
        x = tape.Reshape(x, batch, count, d);
        var two = count == 2 ? x : tape.Slice(x, 1, 0, 2);
        var logits = Linear(
            tape, AstTensors.ClassifierDense, Norm(tape, AstTensors.ClassifierLayerNorm, tape.Mean(two, 1)));
        if (!_options.TrainsColumns || _config.Localiser is not { } localiser)
            return (logits, null);
        var patches = tape.Reshape(tape.Slice(x, 1, 2, tokens), batch, _config.FrequencyPatches, _config.TimePatches, d);
        var columns = tape.Reshape(tape.Mean(patches, 1), batch * _config.TimePatches, d);
        columns = Norm(tape, AstTensors.LocaliserLayerNorm, columns, localiser.LayerNormEps);
        columns = tape.Activation(Linear(tape, AstTensors.LocaliserIntermediate, columns), _config.HiddenAct);
        return (logits, Linear(tape, AstTensors.LocaliserOutput, columns));
    }

    /// <summary>
    /// Tokens, [batch · tokens, hidden_size]: patches in the order of the checkpoint's convolution, as in <see cref="AstGraph"/>.
    /// </summary>
    private GraphTensor Embeddings(Tape tape)
    {
        int batch = _options.Batch, patch = _config.PatchSize, d = _config.HiddenSize;
        int nf = _config.FrequencyPatches, nt = _config.TimePatches;
        var x = _emit.Input(Input, [batch, _config.MaxLength, _config.NumMelBins]);
        x = _emit.Gather(x, 1, _graph.Int64s(WeightLayout.Groups(nt, _config.TimeStride, patch), nt, patch), nt, patch);
        x = _emit.Gather(x, 3, _graph.Int64s(WeightLayout.Groups(nf, _config.FrequencyStride, patch), nf, patch), nf, patch);
        x = _emit.Reshape(_emit.Transpose(x, 0, 3, 1, 4, 2), batch * nf * nt, patch * patch);
        x = tape.Reshape(Linear(tape, AstTensors.Projection, x), batch, nf * nt, d);
        x = tape.Concat(
            1, tape.Expand(_parameters[AstTensors.ClsToken], batch, 1, d),
            tape.Expand(_parameters[AstTensors.DistillationToken], batch, 1, d), x);
        return tape.Reshape(tape.Add(x, _parameters[AstTensors.PositionEmbeddings]), batch * _config.Tokens, d);
    }

    private GraphTensor Layer(Tape tape, int i, GraphTensor x)
    {
        int batch = _options.Batch, tokens = _config.Tokens, d = _config.HiddenSize;
        var normal = Norm(tape, AstTensors.Layer(i, "layernorm_before"), x);
        var asking = normal;
        if (i == _config.NumHiddenLayers - 1 && !_options.TrainsColumns)
        {
            // Of the last layer's output only the cls and the distillation token are used: they alone ask, though all are asked.
            GraphTensor FirstTwo(GraphTensor all) =>
                tape.Reshape(tape.Slice(tape.Reshape(all, batch, tokens, d), 1, 0, 2), batch * 2, d);
            (x, asking) = (FirstTwo(x), FirstTwo(normal));
        }

        GraphTensor Part(string name, GraphTensor of) => tape.Reshape(
            Linear(tape, AstTensors.Layer(i, $"attention.attention.{name}"), of), batch, of.Shape[0] / batch, d);
        var context = tape.Attention(Part("query", asking), Part("key", normal), Part("value", normal), _config.NumAttentionHeads);
        x = tape.Add(x, Linear(tape, AstTensors.Layer(i, "attention.output.dense"), tape.Reshape(context, x.Shape)));
        var h = Linear(tape, AstTensors.Layer(i, "intermediate.dense"), Norm(tape, AstTensors.Layer(i, "layernorm_after"), x));
        return tape.Add(x, Linear(tape, AstTensors.Layer(i, "output.dense"), tape.Activation(h, _config.HiddenAct)));
    }

    private GraphTensor Linear(Tape tape, string name, GraphTensor x) =>
        tape.Linear(x, _parameters[name + ".weight"], _parameters.GetValueOrDefault(name + ".bias"));

    private GraphTensor Norm(Tape tape, string name, GraphTensor x, float? epsilon = null) =>
        tape.LayerNorm(x, _parameters[name + ".weight"], _parameters[name + ".bias"], epsilon ?? _config.LayerNormEps);
}
