using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;

namespace AstStream.Model.Training;

/// <summary>
/// Writes nodes of known shapes into a graph. All tensors are float32; products may have their factors, and what they give, rounded to a
/// shorter type.
/// </summary>
/// <param name="graph">The graph.</param>
/// <param name="products">The type of products: float32 or bfloat16.</param>
internal sealed class GraphEmitter(OnnxGraph graph, ElementType products)
{
    private readonly Dictionary<string, GraphTensor> _factors = new(StringComparer.Ordinal);
    private int _named;

    /// <summary>Declares an input of float32.</summary>
    public GraphTensor Input(string name, IReadOnlyList<int> shape)
    {
        graph.Input(name, ElementType.Float32, [.. shape.Select(d => (object)d)]);
        return new GraphTensor(name, shape);
    }

    /// <summary>Gives a tensor out under a name.</summary>
    public void Output(GraphTensor x, string name)
    {
        graph.Node("Identity", "", name, [x.Name]);
        Declare(name, x.Shape);
    }

    /// <summary>Says that a tensor that has its name already is an output.</summary>
    public void Declare(string name, IReadOnlyList<int> shape) =>
        graph.Output(name, ElementType.Float32, [.. shape.Select(d => (object)d)]);

    /// <summary>Nothing, as a number.</summary>
    public GraphTensor Zero() => Scalar(0);

    /// <summary>One tensor where a condition that is an input holds, else another one.</summary>
    public GraphTensor Where(string condition, GraphTensor then, GraphTensor otherwise) =>
        Node("Where", Broadcast(then, otherwise), [new GraphTensor(condition, []), then, otherwise]);

    /// <summary>A node of ONNX's own operators.</summary>
    public GraphTensor Node(string op, IReadOnlyList<int> shape, GraphTensor[] inputs, params (string, object)[] attributes) =>
        new(graph.Node(op, [.. inputs.Select(i => i.Name)], attributes), shape);

    /// <summary>A node whose output has a name.</summary>
    public GraphTensor Named(string op, string output, IReadOnlyList<int> shape, params GraphTensor[] inputs) =>
        new(graph.Node(op, "", output, [.. inputs.Select(i => i.Name)]), shape);

    public GraphTensor Add(GraphTensor a, GraphTensor b) => Node("Add", Broadcast(a, b), [a, b]);

    public GraphTensor Subtract(GraphTensor a, GraphTensor b) => Node("Sub", Broadcast(a, b), [a, b]);

    public GraphTensor Multiply(GraphTensor a, GraphTensor b) => Node("Mul", Broadcast(a, b), [a, b]);

    public GraphTensor Multiply(GraphTensor a, float factor) => Node("Mul", a.Shape, [a, Scalar(factor)]);

    public GraphTensor Add(GraphTensor a, float term) => Node("Add", a.Shape, [a, Scalar(term)]);

    /// <summary>A function of each element.</summary>
    public GraphTensor Map(string op, GraphTensor x) => Node(op, x.Shape, [x]);

    public GraphTensor Reshape(GraphTensor x, params IReadOnlyList<int> shape) =>
        x.Shape.SequenceEqual(shape) ? x : Node("Reshape", shape, [x, Integers(shape)]);

    public GraphTensor Transpose(GraphTensor x, params int[] order) =>
        Node("Transpose", [.. order.Select(axis => x.Shape[axis])], [x], ("perm", order));

    public GraphTensor Expand(GraphTensor x, IReadOnlyList<int> shape) => Node("Expand", shape, [x, Integers(shape)]);

    /// <summary>The rows [from, to) of an axis.</summary>
    public GraphTensor Slice(GraphTensor x, int axis, int from, int to) =>
        Node("Slice", With(x.Shape, axis, to - from), [x, Integers([from]), Integers([to]), Integers([axis])]);

    public GraphTensor Concat(int axis, params GraphTensor[] parts) =>
        Node("Concat", With(parts[0].Shape, axis, parts.Sum(p => p.Shape[axis])), parts, ("axis", axis));

    /// <summary>Zeros around an axis.</summary>
    public GraphTensor Pad(GraphTensor x, int axis, int before, int after)
    {
        var pads = new int[2 * x.Rank];
        (pads[axis], pads[x.Rank + axis]) = (before, after);
        return Node("Pad", With(x.Shape, axis, before + x.Shape[axis] + after), [x, Integers(pads)]);
    }

    public GraphTensor Gather(GraphTensor x, int axis, string indices, params int[] shape) =>
        Node("Gather", [.. x.Shape.Take(axis), .. shape, .. x.Shape.Skip(axis + 1)], [x, new GraphTensor(indices, shape)], ("axis", axis));

    /// <summary>The sum over some axes; kept, they stay with a length of 1.</summary>
    public GraphTensor Sum(GraphTensor x, bool keep, params int[] axes) => Reduced("ReduceSum", x, keep, axes);

    /// <summary>The mean over some axes; kept, they stay with a length of 1.</summary>
    public GraphTensor Mean(GraphTensor x, bool keep, params int[] axes) => Reduced("ReduceMean", x, keep, axes);

    public GraphTensor Softmax(GraphTensor x) => Node("Softmax", x.Shape, [x], ("axis", -1));

    /// <summary>LayerNorm over the last axis, with the means and the inverse deviations that it found.</summary>
    public (GraphTensor Output, GraphTensor Mean, GraphTensor InverseStd) LayerNorm(
        GraphTensor x, GraphTensor weight, GraphTensor bias, float epsilon)
    {
        var name = $"norm_{_named++}";
        var rows = With(x.Shape, x.Rank - 1, 1);
        graph.Nodes(
            "LayerNormalization", "", [name, name + "_mean", name + "_inverse"], [x.Name, weight.Name, bias.Name], ("axis", -1),
            ("epsilon", epsilon));
        return (new GraphTensor(name, x.Shape), new GraphTensor(name + "_mean", rows), new GraphTensor(name + "_inverse", rows));
    }

    /// <summary>a·b of matrices, either of them turned, with b's bias.</summary>
    public GraphTensor Gemm(GraphTensor a, bool turnA, GraphTensor b, bool turnB, GraphTensor? bias = null)
    {
        int[] shape = [a.Shape[turnA ? 1 : 0], b.Shape[turnB ? 0 : 1]];
        (string, object)[] turns = [("transA", turnA ? 1 : 0), ("transB", turnB ? 1 : 0)];
        if (products == ElementType.Float32)
            return Node("Gemm", shape, bias is null ? [a, b] : [a, b, bias], turns);
        var y = Widened(Node("Gemm", shape, [Factor(a), Factor(b)], turns));
        return bias is null ? y : Add(y, bias);
    }

    /// <summary>α·a·b over the last two axes, either of them turned.</summary>
    public GraphTensor MatMul(GraphTensor a, bool turnA, GraphTensor b, bool turnB, float alpha = 1)
    {
        IReadOnlyList<int> shape = [.. a.Shape.SkipLast(2), a.Shape[turnA ? ^1 : ^2], b.Shape[turnB ? ^2 : ^1]];
        return Widened(Fused(
            "FusedMatMul", shape, [Factor(a), Factor(b)], ("transA", turnA ? 1 : 0), ("transB", turnB ? 1 : 0), ("alpha", alpha)));
    }

    /// <summary>softmax(q·kᵀ / √head size)·v, head by head, of [batch, tokens, width] each.</summary>
    public GraphTensor Attention(GraphTensor query, GraphTensor key, GraphTensor value, int heads) =>
        Widened(Fused("MultiHeadAttention", query.Shape, [Factor(query), Factor(key), Factor(value)], ("num_heads", heads)));

    /// <summary>
    /// x, but not before y is known: an empty slice of y hangs on it. What is computed of it can neither be merged with an earlier
    /// computation nor run early.
    /// </summary>
    public GraphTensor After(GraphTensor x, GraphTensor y) =>
        Reshape(Concat(0, Reshape(x, x.Size), Slice(Reshape(y, y.Size), 0, 0, 0)), x.Shape);

    private static IReadOnlyList<int> Broadcast(GraphTensor a, GraphTensor b)
    {
        var rank = Math.Max(a.Rank, b.Rank);
        int At(GraphTensor x, int axis) => axis < rank - x.Rank ? 1 : x.Shape[axis - (rank - x.Rank)];
        return [.. Enumerable.Range(0, rank).Select(axis => Math.Max(At(a, axis), At(b, axis)))];
    }

    private static IReadOnlyList<int> With(IReadOnlyList<int> shape, int axis, int length) =>
        [.. shape.Select((d, i) => i == axis ? length : d)];

    private GraphTensor Reduced(string op, GraphTensor x, bool keep, int[] axes) => Node(
        op, keep ? [.. x.Shape.Select((d, i) => axes.Contains(i) ? 1 : d)] : [.. x.Shape.Where((_, i) => !axes.Contains(i))],
        [x, Integers(axes)], ("keepdims", keep ? 1 : 0));

    private GraphTensor Fused(string op, IReadOnlyList<int> shape, GraphTensor[] inputs, params (string, object)[] attributes) =>
        new(graph.Node(op, OnnxGraph.Contrib, $"{op}_fused_{_named++}", [.. inputs.Select(i => i.Name)], attributes), shape);

    /// <summary>A factor of a product, in the products' type; the same tensor is rounded once.</summary>
    private GraphTensor Factor(GraphTensor x)
    {
        if (products == ElementType.Float32)
            return x;
        if (!_factors.TryGetValue(x.Name, out var rounded))
            _factors.Add(x.Name, rounded = Node("Cast", x.Shape, [x], ("to", (int)products)));
        return rounded;
    }

    private GraphTensor Widened(GraphTensor x) =>
        products == ElementType.Float32 ? x : Node("Cast", x.Shape, [x], ("to", (int)ElementType.Float32));

    private GraphTensor Scalar(float value) => new(graph.Scalar(value, ElementType.Float32), []);

    private GraphTensor Integers(IReadOnlyList<int> values) =>
        new(graph.Int64s([.. values.Select(v => (long)v)], values.Count), [values.Count]);
}
