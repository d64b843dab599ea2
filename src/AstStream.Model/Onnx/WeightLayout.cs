namespace AstStream.Model.Onnx;

/// <summary>Brings matrices of a checkpoint into the order in which products want them.</summary>
internal static class WeightLayout
{
    /// <summary>[rows, columns] as [columns, rows].</summary>
    public static float[] Transposed(float[] matrix, int rows, int columns)
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

    /// <summary>
    /// Matrices [width, width] side by side, head by head: the columns of a head of the first, of the second, of the third, then of the
    /// next head. What is multiplied by it comes out as [heads, matrices, size of a head].
    /// </summary>
    public static float[] Packed(float[][] matrices, int width, int headSize)
    {
        var packed = new float[matrices.Length * width * width];
        var to = packed.AsSpan();
        for (var row = 0; row < width; row++)
        {
            for (var column = 0; column < width; column += headSize)
            {
                foreach (var matrix in matrices)
                {
                    matrix.AsSpan((row * width) + column, headSize).CopyTo(to);
                    to = to[headSize..];
                }
            }
        }

        return packed;
    }

    /// <summary>The places of overlapping groups, one group after the other.</summary>
    public static long[] Groups(int count, int stride, int length) =>
        [.. Enumerable.Range(0, count).SelectMany(g => Enumerable.Range(g * stride, length)).Select(i => (long)i)];
}
