using AstStream.Emulation;

namespace AstStream.Tests.Model.Training;

/// <summary>Runs a graph that trains operator by operator in double, so that its gradients can be held against differences.</summary>
internal sealed class DoubleInterpreter
{
    private readonly GraphFile _graph;
    private Dictionary<string, DoubleTensor> _tensors = [];
    private Dictionary<string, long[]> _integers = [];

    public DoubleInterpreter(byte[] model)
    {
        var file = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(file, model);
            _graph = new GraphFile(file);
        }
        finally
        {
            File.Delete(file);
        }
    }

    /// <summary>All tensors, from the inputs.</summary>
    public IReadOnlyDictionary<string, DoubleTensor> Run(IReadOnlyDictionary<string, DoubleTensor> inputs)
    {
        _tensors = new Dictionary<string, DoubleTensor>(inputs, StringComparer.Ordinal);
        _integers = _graph.Constants.Where(c => c.Value.Integers.Length > 0).ToDictionary(c => c.Key, c => c.Value.Integers);
        foreach (var (name, value) in _graph.Constants.Where(c => c.Value.Integers.Length == 0))
            _tensors.Add(name, new DoubleTensor(value.Shape, Array.ConvertAll(value.Values, v => (double)v)));
        foreach (var node in _graph.Nodes)
        {
            foreach (var (name, value) in node.Outputs.Zip(Run(node)))
                _tensors.Add(name, value);
        }

        return _tensors;
    }

    private DoubleTensor[] Run(GraphNode node)
    {
        var x = _tensors[node.Inputs[node.Operator == "Where" ? 1 : 0]];
        DoubleTensor Input(int i) => _tensors[node.Inputs[i]];
        int[] Integers(int i) => [.. _integers[node.Inputs[i]].Select(v => (int)v)];
        return node.Operator switch
        {
            "Identity" => [x],
            "Add" => [x.With(Input(1), (a, b) => a + b)],
            "Sub" => [x.With(Input(1), (a, b) => a - b)],
            "Mul" => [x.With(Input(1), (a, b) => a * b)],
            "Exp" => [x.Map(Math.Exp)],
            "Erf" => [x.Map(Erf)],
            "Tanh" => [x.Map(Math.Tanh)],
            "Relu" => [x.Map(v => Math.Max(0, v))],
            "Sign" => [x.Map(v => Math.Sign(v))],
            "Sigmoid" => [x.Map(v => 1 / (1 + Math.Exp(-v)))],
            "Softplus" => [x.Map(v => Math.Log(1 + Math.Exp(v)))],
            "Gelu" => [x.Map(node.Text("approximate") == "tanh" ? GeluTanh : v => v * (1 + Erf(v / Math.Sqrt(2))) / 2)],
            "Where" => [_tensors[node.Inputs[0]].Values[0] > 0 ? x.With(Input(2), (a, _) => a) : Input(2)],
            "Softmax" => [x.Softmax()],
            "LogSoftmax" => [x.Softmax().Map(Math.Log)],
            "Reshape" => [new DoubleTensor(Integers(1), x.Values)],
            "Expand" => [DoubleTensor.Make(Integers(1), at => x.At(at))],
            "Transpose" => [x.Transpose([.. node.Ints("perm").Select(p => (int)p)])],
            "Gather" => [Gather(x, node.Inputs[1], node.Int("axis", 0))],
            "Slice" => [Slice(x, Integers(1)[0], Integers(2)[0], Integers(3)[0])],
            "Concat" => [Concat([.. node.Inputs.Select(i => _tensors[i])], node.Int("axis", 0))],
            "Pad" => [Pad(x, Integers(1))],
            "ReduceSum" => [x.Sum(Integers(1), node.Int("keepdims", 1) == 1)],
            "ReduceMean" => [Mean(x, Integers(1), node.Int("keepdims", 1) == 1)],
            "Gemm" => [Gemm(node, x, Input(1), node.Inputs.Count > 2 ? Input(2) : null)],
            "FusedMatMul" => [Turned(node, "transA", x).MatMul(Turned(node, "transB", Input(1))).Map(v => v * node.Float("alpha"))],
            "MultiHeadAttention" => [Attention(x, Input(1), Input(2), node.Int("num_heads", 1))],
            "LayerNormalization" => LayerNorm(x, Input(1), Input(2), node.Float("epsilon")),
            _ => throw new NotSupportedException(node.Operator),
        };
    }

    private static DoubleTensor Turned(GraphNode node, string flag, DoubleTensor x)
    {
        if (node.Int(flag, 0) == 0)
            return x;
        var last = x.Shape.Length - 1;
        return x.Transpose([.. Enumerable.Range(0, last - 1), last, last - 1]);
    }

    private static DoubleTensor Gemm(GraphNode node, DoubleTensor a, DoubleTensor b, DoubleTensor? bias)
    {
        var y = Turned(node, "transA", a).MatMul(Turned(node, "transB", b));
        return bias is null ? y : y.With(bias, (p, q) => p + q);
    }

    private static DoubleTensor Mean(DoubleTensor x, int[] axes, bool keep)
    {
        var sum = x.Sum(axes, keep);
        var count = (double)x.Values.Length / sum.Values.Length;
        return sum.Map(v => v / count);
    }

    private static DoubleTensor[] LayerNorm(DoubleTensor x, DoubleTensor weight, DoubleTensor bias, float epsilon)
    {
        int[] last = [x.Shape.Length - 1];
        var mean = Mean(x, last, keep: true);
        var centred = x.With(mean, (a, b) => a - b);
        var inverse = Mean(centred.Map(v => v * v), last, keep: true).Map(v => 1 / Math.Sqrt(v + epsilon));
        var y = centred.With(inverse, (a, b) => a * b).With(weight, (a, b) => a * b).With(bias, (a, b) => a + b);
        return [y, mean, inverse];
    }

    private static DoubleTensor Attention(DoubleTensor q, DoubleTensor k, DoubleTensor v, int heads)
    {
        var size = q.Last / heads;
        DoubleTensor Split(DoubleTensor x) =>
            new DoubleTensor([x.Shape[0], x.Shape[1], heads, size], x.Values).Transpose(0, 2, 1, 3);
        var scores = Split(q).MatMul(Split(k).Transpose(0, 1, 3, 2)).Map(s => s / Math.Sqrt(size));
        return new DoubleTensor(q.Shape, scores.Softmax().MatMul(Split(v)).Transpose(0, 2, 1, 3).Values);
    }

    private DoubleTensor Gather(DoubleTensor x, string indices, int axis)
    {
        var shape = _graph.Constants[indices].Shape;
        int[] result = [.. x.Shape[..axis], .. shape, .. x.Shape[(axis + 1)..]];
        return DoubleTensor.Make(result, at =>
        {
            var index = (int)_integers[indices][(at[axis] * shape[1]) + at[axis + 1]];
            return x.At([.. at[..axis], index, .. at[(axis + 2)..]]);
        });
    }

    private static DoubleTensor Slice(DoubleTensor x, int from, int to, int axis)
    {
        int[] shape = [.. x.Shape];
        shape[axis] = to - from;
        return DoubleTensor.Make(shape, at =>
        {
            int[] place = [.. at];
            place[axis] += from;
            return x.Values[place.Select((p, i) => p * x.Shape[(i + 1)..].Aggregate(1, (a, b) => a * b)).Sum()];
        });
    }

    private static DoubleTensor Concat(DoubleTensor[] parts, int axis)
    {
        int[] shape = [.. parts[0].Shape];
        shape[axis] = parts.Sum(p => p.Shape[axis]);
        return DoubleTensor.Make(shape, at =>
        {
            var (part, from) = (0, at[axis]);
            for (; from >= parts[part].Shape[axis]; part++)
                from -= parts[part].Shape[axis];
            int[] place = [.. at];
            place[axis] = from;
            return parts[part].Values[place.Select((p, i) => p * parts[part].Shape[(i + 1)..].Aggregate(1, (a, b) => a * b)).Sum()];
        });
    }

    private static DoubleTensor Pad(DoubleTensor x, int[] pads)
    {
        var rank = x.Shape.Length;
        int[] shape = [.. x.Shape.Select((d, i) => pads[i] + d + pads[rank + i])];
        return DoubleTensor.Make(shape, at =>
        {
            int[] place = [.. at.Select((p, i) => p - pads[i])];
            return place.Where((p, i) => p < 0 || p >= x.Shape[i]).Any() ? 0
                : x.Values[place.Select((p, i) => p * x.Shape[(i + 1)..].Aggregate(1, (a, b) => a * b)).Sum()];
        });
    }

    private static double GeluTanh(double x) =>
        x * (1 + Math.Tanh((float)Math.Sqrt(2 / Math.PI) * (x + ((double)0.044715f * x * x * x)))) / 2;

    /// <summary>The error function by its series, for arguments up to 6.</summary>
    private static double Erf(double x)
    {
        if (Math.Abs(x) > 6)
            return Math.Sign(x);
        var (sum, term) = (0.0, x);
        for (var n = 0; Math.Abs(term) > 1e-17 && n < 400; n++)
        {
            sum += term / ((2 * n) + 1);
            term *= -x * x / (n + 1);
        }

        return 2 / Math.Sqrt(Math.PI) * sum;
    }
}
