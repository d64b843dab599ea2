using System.Numerics;
using System.Runtime.InteropServices;

namespace AstStream.Emulation;

/// <summary>Matrix products with sums in float32.</summary>
internal static class Products
{
    private const int RowsAtOnce = 4;

    /// <summary>[rows, inner] times [inner, columns], for each of some pairs of matrices that lie one after the other.</summary>
    /// <param name="a">The left matrices.</param>
    /// <param name="b">The right ones; one for all where it is shorter.</param>
    /// <param name="rows">Rows of a left matrix.</param>
    /// <param name="inner">Columns of a left one, rows of a right one.</param>
    /// <param name="columns">Columns of a right one.</param>
    public static float[] Multiply(float[] a, float[] b, int rows, int inner, int columns)
    {
        var pairs = a.Length / (rows * inner);
        var result = new float[pairs * rows * columns];
        var isShared = b.Length == inner * columns;
        var blocks = (rows + RowsAtOnce - 1) / RowsAtOnce;
        Parallel.For(0, pairs * blocks, work =>
        {
            var (pair, first) = (work / blocks, work % blocks * RowsAtOnce);
            var right = b.AsSpan(isShared ? 0 : pair * inner * columns, inner * columns);
            for (var row = first; row < Math.Min(rows, first + RowsAtOnce); row++)
            {
                var at = (pair * rows) + row;
                Row(a.AsSpan(at * inner, inner), right, result.AsSpan(at * columns, columns));
            }
        });
        return result;
    }

    private static void Row(ReadOnlySpan<float> left, ReadOnlySpan<float> right, Span<float> sums)
    {
        var wide = MemoryMarshal.Cast<float, Vector<float>>(sums);
        for (var k = 0; k < left.Length; k++)
        {
            var row = right.Slice(k * sums.Length, sums.Length);
            var factors = MemoryMarshal.Cast<float, Vector<float>>(row);
            var factor = new Vector<float>(left[k]);
            for (var i = 0; i < wide.Length; i++)
                wide[i] = Vector.FusedMultiplyAdd(factors[i], factor, wide[i]);
            for (var i = wide.Length * Vector<float>.Count; i < sums.Length; i++)
                sums[i] = MathF.FusedMultiplyAdd(row[i], left[k], sums[i]);
        }
    }
}
