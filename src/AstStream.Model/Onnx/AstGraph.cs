namespace AstStream.Model.Onnx;

/// <summary>Builds the ONNX graph of an AST: input_values [batch, max_length, num_mel_bins] to logits, pooler_output and last_hidden_state.</summary>
internal static class AstGraph
{
    public const string InputValues = "input_values";
    public const string Logits = "logits";
    public const string PoolerOutput = "pooler_output";
    public const string LastHiddenState = "last_hidden_state";
    public const string DataFile = "weights.bin";

    private const int Opset = 20; // the first with Gelu

    /// <summary>Builds the graph over a checkpoint's weights; they are read when the data file is written.</summary>
    public static (byte[] Model, OnnxGraph Graph) Build(AstCheckpoint checkpoint)
    {
        var config = checkpoint.Config;
        var graph = new OnnxGraph(DataFile);
        var build = new Builder(checkpoint, graph);
        graph.Input(InputValues, "batch", config.MaxLength, config.NumMelBins);
        graph.Output(Logits, "batch", config.Labels.Count);
        graph.Output(PoolerOutput, "batch", config.HiddenSize);
        graph.Output(LastHiddenState, "batch", config.Tokens, config.HiddenSize);
        build.All();
        return (graph.ToModel(Opset), graph);
    }

    private sealed class Builder(AstCheckpoint checkpoint, OnnxGraph graph)
    {
        private readonly AstConfig _config = checkpoint.Config;

        public void All()
        {
            var x = Embeddings();
            for (var i = 0; i < _config.NumHiddenLayers; i++)
                x = Layer(i, x);
            LayerNorm(AstTensors.FinalLayerNorm, x, LastHiddenState);
            Pooler();
            Linear(AstTensors.ClassifierDense, LayerNorm(AstTensors.ClassifierLayerNorm, PoolerOutput), _config.HiddenSize, _config.Labels.Count, outputName: Logits);
        }

        /// <summary>
        /// The patch embedding as two gathers and one product, which needs no convolution: frames are gathered into overlapping
        /// groups, then mel bins; the groups are ordered frequency-major as the checkpoint's convolution orders its tokens.
        /// </summary>
        private string Embeddings()
        {
            int patch = _config.PatchSize, d = _config.HiddenSize, nf = _config.FrequencyPatches, nt = _config.TimePatches;
            var frames = graph.Int64s(Groups(nt, _config.TimeStride, patch), nt, patch);
            var bins = graph.Int64s(Groups(nf, _config.FrequencyStride, patch), nf, patch);
            var x = graph.Node("Gather", [InputValues, frames], ("axis", 1)); // [batch, nt, patch, mels]
            x = graph.Node("Gather", [x, bins], ("axis", 3)); // [batch, nt, patch, nf, patch]
            x = graph.Node("Transpose", [x], ("perm", (int[])[0, 3, 1, 4, 2])); // [batch, nf, nt, patch in frequency, patch in time]
            x = graph.Node("Reshape", [x, graph.Int64s([0, nf * nt, patch * patch], 3)]);
            x = Linear(AstTensors.Projection, x, patch * patch, d);

            // The two learnt tokens are copied to every window of the batch.
            var batch = graph.Node("Shape", [InputValues], ("start", 0), ("end", 1));
            var shape = graph.Node("Concat", [batch, graph.Int64s([1, 1], 2)], ("axis", 0));
            var cls = graph.Node("Expand", [Weight(AstTensors.ClsToken, 1, 1, d), shape]);
            var distillation = graph.Node("Expand", [Weight(AstTensors.DistillationToken, 1, 1, d), shape]);
            x = graph.Node("Concat", [cls, distillation, x], ("axis", 1));
            return graph.Node("Add", [x, Weight(AstTensors.PositionEmbeddings, 1, _config.Tokens, d)]);
        }

        private string Layer(int i, string x)
        {
            int d = _config.HiddenSize, m = _config.IntermediateSize;
            var h = LayerNorm(AstTensors.Layer(i, "layernorm_before"), x);
            string Project(string part) => Linear(AstTensors.Layer(i, $"attention.attention.{part}"), h, d, d, _config.QkvBias);
            var attention = graph.Node(
                "MultiHeadAttention", "com.microsoft", $"attention_{i}", [Project("query"), Project("key"), Project("value")], ("num_heads", _config.NumAttentionHeads));
            x = graph.Node("Add", [Linear(AstTensors.Layer(i, "attention.output.dense"), attention, d, d), x]);
            h = LayerNorm(AstTensors.Layer(i, "layernorm_after"), x);
            h = graph.Node("Gelu", [Linear(AstTensors.Layer(i, "intermediate.dense"), h, d, m)]);
            return graph.Node("Add", [Linear(AstTensors.Layer(i, "output.dense"), h, m, d), x]);
        }

        /// <summary>The mean of the cls and the distillation token.</summary>
        private void Pooler()
        {
            var two = graph.Node("Slice", [LastHiddenState, graph.Int64s([0], 1), graph.Int64s([2], 1), graph.Int64s([1], 1)]);
            graph.Node("ReduceMean", "", PoolerOutput, [two, graph.Int64s([1], 1)], ("keepdims", 0));
        }

        private string LayerNorm(string name, string x, string? output = null)
        {
            int d = _config.HiddenSize;
            return graph.Node(
                "LayerNormalization", "", output ?? name, [x, Weight(name + ".weight", d), Weight(name + ".bias", d)],
                ("axis", -1), ("epsilon", _config.LayerNormEps));
        }

        /// <summary>x·W + b. Checkpoints keep W as [out, in]; the product wants [in, out].</summary>
        private string Linear(string name, string x, int input, int output, bool bias = true, string? outputName = null)
        {
            var weight = graph.AddWeight(name + ".weight", [input, output], () => Transposed(checkpoint.Read(name + ".weight"), output, input));
            if (!bias)
                return graph.Node("MatMul", "", outputName ?? name, [x, weight]);
            var product = graph.Node("MatMul", [x, weight]);
            return graph.Node("Add", "", outputName ?? name, [product, Weight(name + ".bias", output)]);
        }

        private string Weight(string name, params int[] shape) => graph.AddWeight(name, shape, () => checkpoint.Read(name));

        private static long[] Groups(int count, int stride, int length) =>
            [.. Enumerable.Range(0, count).SelectMany(g => Enumerable.Range(g * stride, length)).Select(i => (long)i)];

        private static float[] Transposed(float[] matrix, int rows, int columns)
        {
            const int block = 32; // cache lines of both matrices stay in use
            var result = new float[matrix.Length];
            for (var r0 = 0; r0 < rows; r0 += block)
                for (var c0 = 0; c0 < columns; c0 += block)
                    for (var r = r0; r < Math.Min(r0 + block, rows); r++)
                        for (var c = c0; c < Math.Min(c0 + block, columns); c++)
                            result[(c * rows) + r] = matrix[(r * columns) + c];
            return result;
        }
    }
}
