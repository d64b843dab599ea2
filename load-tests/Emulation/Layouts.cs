using AstStream.Model.Checkpoints;

namespace AstStream.Emulation;

/// <summary>Operators that move values and compute nothing.</summary>
internal static class Layouts
{
    public static Tensor Gather(Tensor x, Tensor indices, int axis)
    {
        int outer = Product(x.Shape[..axis]), length = x.Shape[axis], inner = Product(x.Shape[(axis + 1)..]);
        var values = new float[outer * indices.Integers.Length * inner];
        var to = values.AsSpan();
        for (var o = 0; o < outer; o++)
        {
            foreach (var index in indices.Integers)
            {
                x.Values.AsSpan(((o * length) + (int)index) * inner, inner).CopyTo(to);
                to = to[inner..];
            }
        }

        return new Tensor(x.Type, [.. x.Shape[..axis], .. indices.Shape, .. x.Shape[(axis + 1)..]], values, []);
    }

    public static Tensor Transpose(Tensor x, int[] order)
    {
        int[] shape = [.. order.Select(o => x.Shape[o])];
        int[] strides = [.. order.Select(o => Product(x.Shape[(o + 1)..]))];
        var values = new float[x.Values.Length];
        var at = new int[shape.Length];
        for (var i = 0; i < values.Length; i++)
        {
            var from = 0;
            for (var d = 0; d < at.Length; d++)
                from += at[d] * strides[d];
            values[i] = x.Values[from];
            for (var d = at.Length - 1; d >= 0 && ++at[d] == shape[d]; d--)
                at[d] = 0;
        }

        return new Tensor(x.Type, shape, values, []);
    }

    /// <summary>Matrices [rows, columns] as [columns, rows].</summary>
    public static float[] TransposeLast(float[] matrices, int rows, int columns) =>
        Transpose(new Tensor(ElementType.Float32, [matrices.Length / (rows * columns), rows, columns], matrices, []), [0, 2, 1]).Values;

    /// <summary>0 in the new shape keeps a dimension.</summary>
    public static Tensor Reshape(Tensor x, long[] shape) => x with { Shape = [.. shape.Select((d, i) => d == 0 ? x.Shape[i] : (int)d)] };

    /// <summary>Rows of zeros in front of each matrix.</summary>
    public static Tensor Pad(Tensor x, long[] pads)
    {
        var (rows, width) = (x.Shape[1], x.Last);
        var padded = rows + (int)pads[1];
        var values = new float[x.Shape[0] * padded * width];
        for (var b = 0; b < x.Shape[0]; b++)
            x.Values.AsSpan(b * rows * width, rows * width).CopyTo(values.AsSpan(((b * padded) + (int)pads[1]) * width));
        return new Tensor(x.Type, [x.Shape[0], padded, width], values, []);
    }

    public static Tensor Slice(Tensor x, int start, int end, int axis) => Gather(
        x, new Tensor(ElementType.Int64, [end - start], [], [.. Enumerable.Range(start, end - start).Select(i => (long)i)]), axis);

    private static int Product(int[] dimensions) => dimensions.Aggregate(1, (a, b) => a * b);
}
