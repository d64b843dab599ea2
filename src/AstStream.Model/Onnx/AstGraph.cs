using AstStream.Model.Checkpoints;

namespace AstStream.Model.Onnx;

/// <summary>
/// Builds the ONNX graph of an AST: log-mel (or input_values) [batch, max_length, num_mel_bins] to logits and what else is asked for.
/// Every node has fixed shapes but for the batch and none computes on shapes, so that a CUDA graph can hold the whole.
/// </summary>
internal sealed partial class AstGraph
{
    public const string InputValues = "input_values";
    public const string Logits = "logits";
    public const string PoolerOutput = "pooler_output";
    public const string LastHiddenState = "last_hidden_state";
    public const string HiddenStates = "hidden_states";
    public const string Attentions = "attentions";
    public const string Columns = "columns";

    private readonly AstCheckpoint _checkpoint;
    private readonly AstConfig _config; // of the graph; the checkpoint's own may have another window
    private readonly AstGraphOptions _options;
    private readonly OnnxGraph _graph;
    private readonly ElementType _type; // of the encoder's activations
    private readonly List<string> _hidden = [];
    private readonly List<string> _attentions = [];

    private AstGraph(AstCheckpoint checkpoint, AstConfig config, AstGraphOptions options, string dataFile)
    {
        _checkpoint = checkpoint;
        _config = config;
        _options = options;
        _graph = new OnnxGraph(dataFile);
        _type = options.Precision.ActivationType();
    }

    private ElementType EmbeddingType => _options.Precision.EmbeddingType();

    private bool IsHalf => _type != ElementType.Float32;

    private bool FoldsBiases => _options.FoldBiases && _config.QkvBias && _options.Precision != ModelPrecision.Int8;

    private bool PacksQkv =>
        _options.PackQkv && _options.Attention == AttentionImplementation.Sdpa && _options.Precision != ModelPrecision.Int8;

    /// <summary>
    /// The outputs that are asked for, with their names and their shapes after the batch; the logits always are, and come first.
    /// </summary>
    public static IEnumerable<(AstOutputs Kind, string Name, int[] Shape)> Outputs(AstConfig config, AstOutputs wanted)
    {
        int tokens = config.Tokens, d = config.HiddenSize, layers = config.NumHiddenLayers;
        (AstOutputs Kind, string Name, int[] Shape)[] all =
        [
            (AstOutputs.Logits, Logits, [config.Labels.Count]),
            (AstOutputs.PoolerOutput, PoolerOutput, [d]),
            (AstOutputs.LastHiddenState, LastHiddenState, [tokens, d]),
            (AstOutputs.HiddenStates, HiddenStates, [layers + 1, tokens, d]),
            (AstOutputs.Attentions, Attentions, [layers, config.NumAttentionHeads, tokens, tokens]),
            (AstOutputs.Columns, Columns, [config.TimePatches, config.Localiser?.Groups.Count ?? 0]),
        ];
        return all.Where(o => wanted.HasFlag(o.Kind));
    }

    /// <summary>Builds the graph over a checkpoint's weights; they are read when the data file is written.</summary>
    public static (byte[] Model, OnnxGraph Graph) Build(
        AstCheckpoint checkpoint, AstConfig config, AstGraphOptions options, string dataFile)
    {
        var build = new AstGraph(checkpoint, config, options, dataFile);
        build.All();
        return (build._graph.ToModel(), build._graph);
    }

    private void All()
    {
        _graph.Input(InputValues, EmbeddingType, "batch", _config.MaxLength, _config.NumMelBins);
        var x = Embeddings();
        _hidden.Add(x);
        var normal = LayerNorm(Before(0), x);
        for (var i = 0; i < _config.NumHiddenLayers; i++)
        {
            (x, normal) = Layer(i, x, normal);
            _hidden.Add(x);
        }

        Heads(normal);
    }

    /// <summary>
    /// The patch embedding as two gathers and one product, which needs no convolution: frames are gathered into overlapping
    /// groups, then mel bins; the groups are ordered frequency-major as the checkpoint's convolution orders its tokens.
    /// In half where the encoder is: the input is normalised already then, since raw log-mel would lose bits.
    /// Everything that is added to every window is one constant: cls and distillation token, the projection's bias, positions.
    /// </summary>
    private string Embeddings()
    {
        int patch = _config.PatchSize, d = _config.HiddenSize, nf = _config.FrequencyPatches, nt = _config.TimePatches;
        var frames = _graph.Int64s(WeightLayout.Groups(nt, _config.TimeStride, patch), nt, patch);
        var bins = _graph.Int64s(WeightLayout.Groups(nf, _config.FrequencyStride, patch), nf, patch);
        var x = _graph.Node("Gather", [InputValues, frames], ("axis", 1)); // [batch, nt, patch, mels]
        x = _graph.Node("Gather", [x, bins], ("axis", 3)); // [batch, nt, patch, nf, patch]
        x = _graph.Node("Transpose", [x], ("perm", (int[])[0, 3, 1, 4, 2])); // [batch, nf, nt, patch in frequency, patch in time]
        x = _graph.Node("Reshape", [x, _graph.Int64s([0, nf * nt, patch * patch], 3)]);
        var projection = _graph.AddWeight(
            AstTensors.Projection + ".weight", EmbeddingType, [patch * patch, d],
            () => Bytes(
                EmbeddingType,
                WeightLayout.Transposed(PatchEmbedding.Weight(_checkpoint, _options.FoldNormalization), d, patch * patch),
                AstTensors.Projection));
        x = _graph.Node("MatMul", [x, projection]);

        // Two rows of zeros in front, for the two learnt tokens.
        x = _graph.Node("Pad", [x, _graph.Int64s([0, 2, 0, 0, 0, 0], 6)]);
        var constant = _graph.AddWeight(
            AstTensors.PositionEmbeddings, EmbeddingType, [_config.Tokens, d],
            () => Bytes(EmbeddingType, PatchEmbedding.Constant(_checkpoint, _config, _options.FoldNormalization),
                AstTensors.PositionEmbeddings));
        x = _graph.Node("Add", [x, constant]);
        return EmbeddingType == _type ? x : Cast(x);
    }

    /// <summary>The LayerNorm in front of a layer; after the last layer, the encoder's own.</summary>
    private string Before(int layer) =>
        layer < _config.NumHiddenLayers ? AstTensors.Layer(layer, "layernorm_before") : AstTensors.FinalLayerNorm;

    /// <summary>A layer on the sum so far and what LayerNorm made of it; gives both for the next one.</summary>
    private (string Sum, string Normal) Layer(int i, string x, string normal)
    {
        int d = _config.HiddenSize, m = _config.IntermediateSize;
        (string, bool) Part(string name) => (
            AstTensors.Layer(i, $"attention.attention.{name}"), _config.QkvBias && (name == "query" || !FoldsBiases));
        string[] parts;
        var isPacked = false;
        if (_options.NeedsAllTokens || i < _config.NumHiddenLayers - 1)
        {
            isPacked = PacksQkv;
            parts = isPacked ? PackedQkv(i, normal) : Linears(normal, d, d, [Part("query"), Part("key"), Part("value")]);
        }
        else
        {
            // Of the last layer's output only the cls and the distillation token are used: they alone ask, though all are asked.
            x = FirstTwo(x);
            parts = [.. Linears(FirstTwo(normal), d, d, [Part("query")]), .. Linears(normal, d, d, [Part("key"), Part("value")])];
        }

        var attention = _options.Attention == AttentionImplementation.Sdpa
            ? _graph.Node("MultiHeadAttention", OnnxGraph.Contrib, $"attention_{i}", parts, ("num_heads", _config.NumAttentionHeads))
            : EagerAttention(parts);
        var dense = AstTensors.Layer(i, "attention.output.dense");
        (x, normal) = LinearAddNorm(
            dense, attention, d, x, AstTensors.Layer(i, "layernorm_after"), FoldsBiases && !isPacked ? FoldedBias(i, dense) : null);
        var h = Activated(Linear(AstTensors.Layer(i, "intermediate.dense"), normal, d, m));
        return LinearAddNorm(AstTensors.Layer(i, "output.dense"), h, m, x, Before(i + 1));
    }

    /// <summary>
    /// The inputs of an attention whose queries, keys and values come from one product, [batch, tokens, heads, 3, size of a head]. The
    /// attention adds their bias, all queries', all keys', all values', while it takes them apart.
    /// </summary>
    private string[] PackedQkv(int layer, string x)
    {
        int d = _config.HiddenSize, heads = _config.NumAttentionHeads;
        string[] names = [.. ((string[])["query", "key", "value"]).Select(n => AstTensors.Layer(layer, $"attention.attention.{n}"))];
        var packed = AstTensors.Layer(layer, "attention.attention.packed");
        var weight = _graph.AddWeight(packed + ".weight", _type, [d, 3 * d], () => Bytes(
            _type, WeightLayout.Packed([.. names.Select(n => Matrix(n, d, d))], d, d / heads), packed));
        var product = _graph.Node("MatMul", [x, weight]);
        product = _graph.Node("Reshape", [product, _graph.Int64s([0, 0, heads, 3, d / heads], 5)]);
        var bias = _graph.AddWeight(packed + ".bias", _type, [3 * d], () => Bytes(
            _type, _config.QkvBias ? [.. names.SelectMany(n => _checkpoint.Read(n + ".bias"))] : new float[3 * d], packed));
        return [product, "", "", bias];
    }

    private string Activated(string x) => _config.HiddenAct switch
    {
        HiddenAct.GeluTanh => _graph.Node("Gelu", [x], ("approximate", "tanh")),
        HiddenAct.Relu => _graph.Node("Relu", [x]),
        HiddenAct.Silu => _graph.Node("Mul", [x, _graph.Node("Sigmoid", [x])]),
        _ => _graph.Node("Gelu", [x]),
    };

    /// <summary>The cls and the distillation token, [batch, 2, hidden_size].</summary>
    private string FirstTwo(string x) => _graph.Node("Slice", [x, _graph.Int64s([0], 1), _graph.Int64s([2], 1), _graph.Int64s([1], 1)]);

    /// <summary>
    /// A linear layer, the sum with what goes past it, and the next LayerNorm. SkipLayerNormalization does bias, sum and LayerNorm in one
    /// pass over memory, its sums in float32; on the CPU it is three times faster than LayerNormalization alone.
    /// </summary>
    private (string Sum, string Normal) LinearAddNorm(
        string name, string x, int input, string skip, string norm, string? bias = null)
    {
        // An eight-bit product adds its bias itself.
        var d = _config.HiddenSize;
        var isQuantized = _options.Precision == ModelPrecision.Int8;
        var product = Linears(x, input, d, [(name, isQuantized)])[0];
        if (!isQuantized)
            bias ??= Weight(name + ".bias", _type, d);
        if (_options.CastLayerNorm)
        {
            var plain = _graph.Node("Add", [isQuantized ? product : _graph.Node("Add", [product, bias!]), skip]);
            return (plain, LayerNorm(norm, plain));
        }

        string[] inputs = [product, skip, Weight(norm + ".weight", _type, d), Weight(norm + ".bias", _type, d)];
        if (!isQuantized)
            inputs = [.. inputs, bias!];
        var sum = $"{norm}.sum";
        _graph.Nodes("SkipLayerNormalization", OnnxGraph.Contrib, [norm, "", "", sum], inputs, ("epsilon", _config.LayerNormEps));
        return (sum, norm);
    }

    /// <summary>The output's bias with that of the values, which attention passes on as it is: b + W·b of the values.</summary>
    private string FoldedBias(int layer, string dense)
    {
        var d = _config.HiddenSize;
        var name = $"{dense}.bias_with_value";
        return _graph.AddWeight(name, _type, [d], () =>
        {
            var weight = _checkpoint.Read(dense + ".weight"); // [out, in]
            var value = _checkpoint.Read(AstTensors.Layer(layer, "attention.attention.value.bias"));
            var bias = _checkpoint.Read(dense + ".bias");
            var folded = new float[d];
            for (var row = 0; row < d; row++)
            {
                double sum = bias[row];
                for (var column = 0; column < d; column++)
                    sum += weight[(row * d) + column] * (double)value[column];
                folded[row] = (float)sum;
            }

            return Bytes(_type, folded, name);
        });
    }

    /// <summary>softmax(q·kᵀ / √head size)·v, head by head; the softmax in float32.</summary>
    private string EagerAttention(string[] parts)
    {
        int heads = _config.NumAttentionHeads, size = _config.HiddenSize / heads;
        string Heads(string x, params int[] order) => _graph.Node(
            "Transpose", [_graph.Node("Reshape", [x, _graph.Int64s([0, 0, heads, size], 4)])], ("perm", order));
        var query = _graph.Node("Mul", [Heads(parts[0], 0, 2, 1, 3), _graph.Scalar(1 / MathF.Sqrt(size), _type)]);
        var scores = _graph.Node("MatMul", [query, Heads(parts[1], 0, 2, 3, 1)]);
        var probabilities = _graph.Node("Softmax", [Float32(scores)], ("axis", -1));
        _attentions.Add(probabilities);
        var context = _graph.Node("MatMul", [Cast(probabilities), Heads(parts[2], 0, 2, 1, 3)]);
        return _graph.Node(
            "Reshape", [_graph.Node("Transpose", [context], ("perm", (int[])[0, 2, 1, 3])), _graph.Int64s([0, 0, _config.HiddenSize], 3)]);
    }

    /// <summary>
    /// LayerNorm with its sums in float32 (stash_type 1): an epsilon of 1e-12 is zero in half precision.
    /// </summary>
    private string LayerNorm(string name, string x, bool isFloat = false, float? epsilon = null)
    {
        var d = _config.HiddenSize;
        var type = isFloat || _options.CastLayerNorm ? ElementType.Float32 : _type;
        var input = type == _type || isFloat ? x : Float32(x);
        var output = _graph.Node(
            "LayerNormalization", "", name, [input, Weight(name + ".weight", type, d), Weight(name + ".bias", type, d)],
            ("axis", -1), ("epsilon", epsilon ?? _config.LayerNormEps), ("stash_type", 1));
        return isFloat ? output : Cast(output, type);
    }

    private string Linear(string name, string x, int input, int output) => Linears(x, input, output, [(name, true)])[0];

    /// <summary>x·W + b for several W of one shape. Checkpoints keep W as [out, in]; the product wants [in, out].</summary>
    private string[] Linears(string x, int input, int output, (string Name, bool HasBias)[] layers, bool isFloat = false)
    {
        if (_options.Precision == ModelPrecision.Int8 && !isFloat)
            return QuantizedLinears(x, input, output, layers);
        var type = isFloat ? ElementType.Float32 : _type;
        return [.. layers.Select(layer =>
        {
            var weight = _graph.AddWeight(
                layer.Name + ".weight", type, [input, output], () => Bytes(type, Matrix(layer.Name, output, input), layer.Name));
            var product = _graph.Node("MatMul", [x, weight]);
            return layer.HasBias ? _graph.Node("Add", [product, Weight(layer.Name + ".bias", type, output)]) : product;
        })];
    }

    /// <summary>The activations are quantised once, with the scale of this very window; the sums are exact, in 32 bits.</summary>
    private string[] QuantizedLinears(string x, int input, int output, (string Name, bool HasBias)[] layers)
    {
        string[] quantized = [$"{layers[0].Name}.quantized", $"{layers[0].Name}.scale", $"{layers[0].Name}.zero_point"];
        _graph.Nodes("DynamicQuantizeLinear", "", quantized, [x]);
        return [.. layers.Select(layer =>
        {
            var name = layer.Name;
            var weight = _graph.AddWeight(
                name + ".weight", ElementType.Int8, [input, output], () => Quantization.Quantize(Matrix(name, output, input), output));
            var scales = _graph.AddWeight(
                name + ".weight_scale", ElementType.Float32, [output],
                () => Bytes(ElementType.Float32, Quantization.Scales(Matrix(name, output, input), output), name));
            var zeros = _graph.AddWeight(name + ".weight_zero_point", ElementType.Int8, [output], () => new byte[output]);
            string[] inputs = [quantized[0], weight, quantized[1], scales, quantized[2], zeros];
            return _graph.Node(
                "MatMulIntegerToFloat", OnnxGraph.Contrib, name,
                layer.HasBias ? [.. inputs, Weight(name + ".bias", ElementType.Float32, output)] : inputs);
        })];
    }

    /// <summary>Joins tensors along a new axis after the batch, in float32.</summary>
    private void Stack(string name, List<string> tensors) =>
        _graph.Node("Concat", "", name, [.. tensors.Select(t => _graph.Node("Unsqueeze", [Float32(t), _graph.Int64s([1], 1)]))],
            ("axis", 1));

    private string Cast(string x, ElementType from = ElementType.Float32) =>
        from == _type ? x : _graph.Node("Cast", [x], ("to", (int)_type));

    /// <summary>x as float32; a tensor that is float32 already is left alone.</summary>
    private string Float32(string x) => IsHalf ? _graph.Node("Cast", [x], ("to", (int)ElementType.Float32)) : x;

    private string Weight(string name, ElementType type, params int[] shape) =>
        _graph.AddWeight(name, type, shape, () => Bytes(type, _checkpoint.Read(name), name));

    private float[] Matrix(string name, int rows, int columns) =>
        WeightLayout.Transposed(_checkpoint.Read(name + ".weight"), rows, columns);

    private static byte[] Bytes(ElementType type, float[] values, string name) => type.Encode(values, name);
}
