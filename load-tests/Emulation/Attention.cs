using AstStream.Model.Checkpoints;

namespace AstStream.Emulation;

/// <summary>Fused attention: scores and softmax in float32, the weights rounded for the product with the values.</summary>
/// <param name="heads">Heads.</param>
/// <param name="isTf32">Whether the factors of float32 products are rounded to TF32.</param>
internal sealed class Attention(int heads, bool isTf32)
{
    /// <summary>Softmax over rows.</summary>
    public static float[] Softmax(float[] values, int width)
    {
        var result = new float[values.Length];
        for (var row = 0; row < values.Length; row += width)
        {
            var (greatest, sum) = (float.NegativeInfinity, 0.0);
            foreach (var v in values.AsSpan(row, width))
                greatest = Math.Max(greatest, v);
            for (var i = row; i < row + width; i++)
                sum += result[i] = MathF.Exp(values[i] - greatest);
            for (var i = row; i < row + width; i++)
                result[i] = (float)(result[i] / sum);
        }

        return result;
    }

    /// <summary>Attention over queries, keys and values, [batch, tokens, width] each, or packed with their bias.</summary>
    public Tensor Run(Tensor[] inputs)
    {
        var (query, key, value) = inputs[0].Shape.Length == 5 ? Unpack(inputs[0], inputs[3]) : (inputs[0], inputs[1], inputs[2]);
        var (type, width) = (query.Type, query.Last);
        var size = width / heads;
        var scale = 1 / MathF.Sqrt(size);
        var scores = Products.Multiply(
            Factors(Split(query), type), Factors(Layouts.TransposeLast(Split(key), key.Shape[1], size), type), query.Shape[1], size,
            key.Shape[1]);
        foreach (ref var score in scores.AsSpan())
            score *= scale;
        var weights = Softmax(scores, key.Shape[1]);
        Arithmetic.Round(weights, type);
        var context = Products.Multiply(
            Factors(weights, type), Factors(Split(value), type), query.Shape[1], key.Shape[1], size);
        var joined = new float[context.Length];
        Move(context, joined, query.Shape[0], query.Shape[1], width, isSplit: false);
        return Tensor.Of(type, query.Shape, joined);
    }

    private float[] Factors(float[] values, ElementType type) =>
        isTf32 && type == ElementType.Float32 ? Arithmetic.ToTf32(values) : values;

    /// <summary>[batch, tokens, heads, 3, size] into three, with the bias of each added.</summary>
    private (Tensor Query, Tensor Key, Tensor Value) Unpack(Tensor packed, Tensor bias)
    {
        var size = packed.Shape[4];
        var width = heads * size;
        int[] shape = [packed.Shape[0], packed.Shape[1], width];
        var parts = new Tensor[3];
        for (var part = 0; part < 3; part++)
        {
            var values = new float[packed.Values.Length / 3];
            for (var i = 0; i < values.Length; i++)
            {
                var (row, column) = (i / width, i % width);
                var (head, at) = (column / size, column % size);
                values[i] = packed.Values[(((((row * heads) + head) * 3) + part) * size) + at] + bias.Values[(part * width) + column];
            }

            parts[part] = Tensor.Of(packed.Type, shape, values);
        }

        return (parts[0], parts[1], parts[2]);
    }

    /// <summary>[batch, tokens, heads · size] as [batch, heads, tokens, size].</summary>
    private float[] Split(Tensor x)
    {
        var result = new float[x.Values.Length];
        Move(result, x.Values, x.Shape[0], x.Shape[1], x.Last, isSplit: true);
        return result;
    }

    private void Move(float[] byHeads, float[] joined, int batch, int tokens, int width, bool isSplit)
    {
        var size = width / heads;
        for (var b = 0; b < batch; b++)
            for (var h = 0; h < heads; h++)
                for (var t = 0; t < tokens; t++)
                {
                    var apart = byHeads.AsSpan(((((b * heads) + h) * tokens) + t) * size, size);
                    var together = joined.AsSpan((((b * tokens) + t) * width) + (h * size), size);
                    if (isSplit)
                        together.CopyTo(apart);
                    else
                        apart.CopyTo(together);
                }
    }
}
