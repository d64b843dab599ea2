using AstStream.Model.Checkpoints;

namespace AstStream.Model.Training;

/// <content>The operators, with their rules.</content>
internal sealed partial class Tape
{
    /// <summary>x·Wᵀ + b of rows, W as checkpoints keep it, [out, in].</summary>
    public GraphTensor Linear(GraphTensor x, GraphTensor weight, GraphTensor? bias) =>
        Record(emit.Gemm(x, false, weight, true, bias), bias is null ? [x, weight] : [x, weight, bias], g =>
        {
            if (bias is not null)
                Give(bias, () => emit.Sum(g, keep: false, 0));
            Give(weight, () => emit.Gemm(g, true, x, false));
            Give(x, () => emit.Gemm(g, false, weight, false));
        });

    public GraphTensor Add(GraphTensor a, GraphTensor b) => Record(emit.Add(a, b), [a, b], g =>
    {
        Give(a, () => Unbroadcast(g, a.Shape));
        Give(b, () => Unbroadcast(g, b.Shape));
    });

    public GraphTensor Reshape(GraphTensor x, params IReadOnlyList<int> shape) =>
        x.Shape.SequenceEqual(shape) ? x
            : Record(emit.Reshape(x, shape), [x], g => Give(x, () => emit.Reshape(g, x.Shape)));

    public GraphTensor Expand(GraphTensor x, params IReadOnlyList<int> shape) =>
        Record(emit.Expand(x, shape), [x], g => Give(x, () => Unbroadcast(g, x.Shape)));

    /// <summary>The mean over an axis, which goes.</summary>
    public GraphTensor Mean(GraphTensor x, int axis) => Record(emit.Mean(x, keep: false, axis), [x], g => Give(x, () =>
    {
        IReadOnlyList<int> kept = [.. x.Shape.Select((d, i) => i == axis ? 1 : d)];
        return emit.Expand(emit.Multiply(emit.Reshape(g, kept), 1f / x.Shape[axis]), x.Shape);
    }));

    /// <summary>The rows [from, to) of an axis.</summary>
    public GraphTensor Slice(GraphTensor x, int axis, int from, int to) => Record(emit.Slice(x, axis, from, to), [x], g =>
        Give(x, () => emit.Pad(g, axis, from, x.Shape[axis] - to)));

    public GraphTensor Concat(int axis, params GraphTensor[] parts) => Record(emit.Concat(axis, parts), parts, g =>
    {
        var from = 0;
        foreach (var part in parts)
        {
            var (begin, end) = (from, from + part.Shape[axis]);
            Give(part, () => emit.Slice(g, axis, begin, end));
            from = end;
        }
    });

    /// <summary>LayerNorm over the last axis.</summary>
    public GraphTensor LayerNorm(GraphTensor x, GraphTensor weight, GraphTensor bias, float epsilon)
    {
        var (y, mean, inverse) = emit.LayerNorm(x, weight, bias, epsilon);
        var last = x.Rank - 1;
        int[] others = [.. Enumerable.Range(0, last)];
        return Record(y, [x, weight, bias], g =>
        {
            var normal = emit.Multiply(emit.Subtract(x, mean), inverse);
            Give(bias, () => emit.Sum(g, keep: false, others));
            Give(weight, () => emit.Sum(emit.Multiply(g, normal), keep: false, others));
            Give(x, () =>
            {
                var d = emit.Multiply(g, weight);
                var along = emit.Multiply(normal, emit.Mean(emit.Multiply(d, normal), keep: true, last));
                return emit.Multiply(inverse, emit.Subtract(emit.Subtract(d, emit.Mean(d, keep: true, last)), along));
            });
        });
    }

    /// <summary>
    /// softmax(q·kᵀ / √head size)·v of [batch, tokens, width], by the fused kernel of inference. It keeps no probabilities; the
    /// gradient makes them again, and takes the row sums of dP·P from the much smaller dO·O (T. Dao et al., FlashAttention, 2022).
    /// </summary>
    public GraphTensor Attention(GraphTensor query, GraphTensor key, GraphTensor value, int heads)
    {
        int batch = query.Shape[0], width = query.Last, size = width / heads;
        var alpha = 1 / MathF.Sqrt(size);
        var output = emit.Attention(query, key, value, heads);
        GraphTensor Split(GraphTensor x) => emit.Transpose(emit.Reshape(x, batch, x.Shape[1], heads, size), 0, 2, 1, 3);
        GraphTensor Join(GraphTensor x) => emit.Reshape(emit.Transpose(x, 0, 2, 1, 3), batch, x.Shape[2], width);
        return Record(output, [query, key, value], g =>
        {
            GraphTensor q = Split(emit.After(query, g)), k = Split(emit.After(key, g)), v = Split(emit.After(value, g)), dO = Split(g);
            var p = emit.Softmax(emit.MatMul(q, false, k, true, alpha));
            Give(value, () => Join(emit.MatMul(p, true, dO, false)));
            var sums = emit.Sum(emit.Reshape(emit.Multiply(g, output), batch, query.Shape[1], heads, size), keep: true, 3);
            var dS = emit.Multiply(p, emit.Subtract(emit.MatMul(dO, false, v, true), emit.Transpose(sums, 0, 2, 1, 3)));
            Give(query, () => Join(emit.MatMul(dS, false, k, false, alpha)));
            Give(key, () => Join(emit.MatMul(dS, true, q, false, alpha)));
        });
    }

    /// <summary>A layer's activation function.</summary>
    public GraphTensor Activation(GraphTensor x, HiddenAct function) => function switch
    {
        HiddenAct.GeluTanh => GeluTanh(x),
        HiddenAct.Relu => Record(emit.Map("Relu", x), [x], g => Give(x, () => emit.Multiply(g, emit.Map("Sign", emit.Map("Relu", x))))),
        HiddenAct.Silu => Silu(x),
        _ => Gelu(x),
    };

    /// <summary>The sum of w·(softplus(x) − x·t): binary cross-entropies of logits.</summary>
    public GraphTensor BinaryCrossEntropy(GraphTensor x, GraphTensor target, GraphTensor weight) => Record(
        SumOfAll(emit.Multiply(weight, emit.Subtract(emit.Map("Softplus", x), emit.Multiply(x, target)))), [x],
        _ => Give(x, () => emit.Multiply(weight, emit.Subtract(emit.Map("Sigmoid", x), target))));

    /// <summary>The sum of −w·Σt·log softmax(x) over rows of logits, whose weight is a column.</summary>
    public GraphTensor CrossEntropy(GraphTensor x, GraphTensor target, GraphTensor weight)
    {
        var logs = emit.Node("LogSoftmax", x.Shape, [x], ("axis", -1));
        var rows = emit.Sum(emit.Multiply(target, logs), keep: true, 1);
        return Record(emit.Multiply(SumOfAll(emit.Multiply(weight, rows)), -1), [x], _ => Give(x, () => emit.Multiply(
            weight, emit.Subtract(emit.Multiply(emit.Softmax(x), emit.Sum(target, keep: true, 1)), target))));
    }

    /// <summary>The sum of two losses.</summary>
    public GraphTensor SumOfLosses(GraphTensor a, GraphTensor b) => Record(emit.Add(a, b), [a, b], g =>
    {
        Give(a, () => g);
        Give(b, () => g);
    });

    private GraphTensor SumOfAll(GraphTensor x) => emit.Sum(x, keep: false, [.. Enumerable.Range(0, x.Rank)]);

    /// <summary>x·Φ(x): Φ + x·φ.</summary>
    private GraphTensor Gelu(GraphTensor x) => Record(emit.Map("Gelu", x), [x], g => Give(x, () =>
    {
        var phi = emit.Add(emit.Multiply(emit.Map("Erf", emit.Multiply(x, MathF.Sqrt(0.5f))), 0.5f), 0.5f);
        var density = emit.Multiply(emit.Map("Exp", emit.Multiply(emit.Multiply(x, x), -0.5f)), 1 / MathF.Sqrt(2 * MathF.PI));
        return emit.Multiply(g, emit.Add(phi, emit.Multiply(x, density)));
    }));

    /// <summary>x·(1 + tanh u) / 2 with u = √(2/π)·(x + 0.044715·x³).</summary>
    private GraphTensor GeluTanh(GraphTensor x)
    {
        const float cubic = 0.044715f;
        var scale = MathF.Sqrt(2 / MathF.PI);
        return Record(emit.Node("Gelu", x.Shape, [x], ("approximate", "tanh")), [x], g => Give(x, () =>
        {
            var square = emit.Multiply(x, x);
            var tanh = emit.Map("Tanh", emit.Multiply(x, emit.Add(emit.Multiply(square, cubic * scale), scale)));
            var half = emit.Multiply(emit.Add(tanh, 1), 0.5f);
            var slope = emit.Add(emit.Multiply(square, 3 * cubic * scale), scale);
            var rest = emit.Add(emit.Multiply(emit.Multiply(tanh, tanh), -1), 1);
            return emit.Multiply(g, emit.Add(half, emit.Multiply(rest, emit.Multiply(emit.Multiply(x, slope), 0.5f))));
        }));
    }

    /// <summary>x·σ(x): σ·(1 + x·(1 − σ)).</summary>
    private GraphTensor Silu(GraphTensor x)
    {
        var sigmoid = emit.Map("Sigmoid", x);
        return Record(emit.Multiply(x, sigmoid), [x], g => Give(x, () =>
        {
            var rest = emit.Add(emit.Multiply(x, emit.Add(emit.Multiply(sigmoid, -1), 1)), 1);
            return emit.Multiply(g, emit.Multiply(sigmoid, rest));
        }));
    }
}
