using AstStream.Model.Checkpoints;

namespace AstStream.Emulation;

/// <summary>
/// Runs a graph of AstGraph operator by operator: each computes in float32 and rounds what it writes to the graph's type, as the kernels of
/// a GPU do. Slow, and for what no processor here computes: half precision, TF32, and attention over packed queries, keys and values.
/// </summary>
/// <param name="graph">The graph.</param>
/// <param name="isTf32">Whether the factors of float32 products are rounded to TF32.</param>
internal sealed class GraphInterpreter(GraphFile graph, bool isTf32 = false)
{
    private Dictionary<string, Tensor> _tensors = [];

    /// <summary>The logits of a batch, one row a window.</summary>
    /// <param name="input">The windows one after the other.</param>
    /// <param name="shape">[batch, max_length, num_mel_bins].</param>
    public float[] Run(float[] input, params int[] shape)
    {
        _tensors = new Dictionary<string, Tensor>(graph.Constants, StringComparer.Ordinal)
        {
            ["input_values"] = Tensor.Of(graph.InputType, shape, (float[])input.Clone())
        };
        foreach (var node in graph.Nodes)
        {
            var outputs = Run(node, [.. node.Inputs.Select(i => i.Length > 0 ? _tensors[i] : null!)]);
            for (var i = 0; i < outputs.Length; i++)
            {
                if (node.Outputs[i].Length > 0)
                    _tensors[node.Outputs[i]] = outputs[i];
            }
        }

        return _tensors["logits"].Values;
    }

    private Tensor[] Run(GraphNode node, Tensor[] inputs)
    {
        var x = inputs[0];
        return node.Operator switch
        {
            "Gather" => [Layouts.Gather(x, inputs[1], node.Int("axis", 0))],
            "Transpose" => [Layouts.Transpose(x, node.Ints("perm"))],
            "Reshape" => [Layouts.Reshape(x, inputs[1].Integers)],
            "Pad" => [Layouts.Pad(x, inputs[1].Integers)],
            "Slice" => [Layouts.Slice(x, (int)inputs[1].Integers[0], (int)inputs[2].Integers[0], (int)inputs[3].Integers[0])],
            "Cast" => [Tensor.Of((ElementType)node.Int("to", 1), x.Shape, (float[])x.Values.Clone())],
            "Add" => [Elementwise(x, inputs[1], (a, b) => a + b)],
            "Mul" => [Elementwise(x, inputs[1], (a, b) => a * b)],
            "MatMul" => [MatMul(x, inputs[1])],
            "Softmax" => [Tensor.Of(x.Type, x.Shape, Attention.Softmax(x.Values, x.Last))],
            "Gelu" => [Map(x, node.Text("approximate") == "tanh" ? GeluTanh : Gelu)],
            "Relu" => [Map(x, v => Math.Max(0, v))],
            "Sigmoid" => [Map(x, v => 1 / (1 + Math.Exp(-v)))],
            "ReduceMean" => [MeanOfTwo(x)],
            "LayerNormalization" => [Tensor.Of(
                x.Type, x.Shape, LayerNorm(x.Values, inputs[1].Values, inputs[2].Values, node.Float("epsilon")))],
            "SkipLayerNormalization" => SkipLayerNorm(node, inputs),
            "MultiHeadAttention" => [new Attention(node.Int("num_heads", 1), isTf32).Run(inputs)],
            _ => throw new NotSupportedException($"operator {node.Operator}"),
        };
    }

    private Tensor MatMul(Tensor a, Tensor b)
    {
        var rows = b.Shape.Length == 2 ? a.Rows : a.Shape[^2];
        var (left, right) = isTf32 && a.Type == ElementType.Float32
            ? (Arithmetic.ToTf32(a.Values), Arithmetic.ToTf32(b.Values)) : (a.Values, b.Values);
        return Tensor.Of(a.Type, [.. a.Shape[..^1], b.Last], Products.Multiply(left, right, rows, a.Last, b.Last));
    }

    private static Tensor[] SkipLayerNorm(GraphNode node, Tensor[] inputs)
    {
        var x = inputs[0];
        var sums = (float[])x.Values.Clone();
        for (var i = 0; i < sums.Length; i++)
            sums[i] += inputs[1].Values[i] + (inputs.Length > 4 ? inputs[4].Values[i % x.Last] : 0);
        var normal = LayerNorm(sums, inputs[2].Values, inputs[3].Values, node.Float("epsilon"));
        return [Tensor.Of(x.Type, x.Shape, normal), null!, null!, Tensor.Of(x.Type, x.Shape, sums)];
    }

    private static float[] LayerNorm(float[] values, float[] weight, float[] bias, float epsilon)
    {
        var result = new float[values.Length];
        var width = weight.Length;
        for (var row = 0; row < values.Length; row += width)
        {
            var (mean, square) = (0.0, 0.0);
            foreach (var v in values.AsSpan(row, width))
                mean += v;
            mean /= width;
            foreach (var v in values.AsSpan(row, width))
                square += (v - mean) * (v - mean);
            var scale = 1 / Math.Sqrt((square / width) + epsilon);
            for (var i = 0; i < width; i++)
                result[row + i] = (float)(((values[row + i] - mean) * scale * weight[i]) + bias[i]);
        }

        return result;
    }

    private static Tensor MeanOfTwo(Tensor x)
    {
        var width = x.Last;
        var values = new float[x.Values.Length / 2];
        for (var i = 0; i < values.Length; i++)
        {
            var at = (i / width * 2 * width) + (i % width);
            values[i] = (x.Values[at] + x.Values[at + width]) / 2;
        }

        return Tensor.Of(x.Type, [x.Shape[0], width], values);
    }

    /// <summary>The second tensor is as large as the first, or goes on from its beginning: a bias, positions, a scalar.</summary>
    private static Tensor Elementwise(Tensor a, Tensor b, Func<float, float, float> operation)
    {
        var values = new float[a.Values.Length];
        for (var i = 0; i < values.Length; i++)
            values[i] = operation(a.Values[i], b.Values[i % b.Values.Length]);
        return Tensor.Of(a.Type, a.Shape, values);
    }

    private static Tensor Map(Tensor x, Func<double, double> operation) =>
        Tensor.Of(x.Type, x.Shape, Array.ConvertAll(x.Values, v => (float)operation(v)));

    private static double Gelu(double x) => 0.5 * x * (1 + Arithmetic.Erf(x / Math.Sqrt(2)));

    private static double GeluTanh(double x) => 0.5 * x * (1 + Math.Tanh(Math.Sqrt(2 / Math.PI) * (x + (0.044715 * x * x * x))));
}
