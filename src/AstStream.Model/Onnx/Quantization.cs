using AstStream.Model.Checkpoints;

namespace AstStream.Model.Onnx;

/// <summary>
/// Weights in eight bits: symmetric, one scale for each output column, rounded to the nearest.
/// </summary>
internal static class Quantization
{
    /// <summary>
    /// The largest magnitude: 127 where the processor has VNNI. Its predecessors' instruction for unsigned by signed bytes
    /// saturates sums of two products, which 64 avoids (2·255·64 &lt; 2¹⁵).
    /// </summary>
    public static int Largest { get; } = CpuFeatures.HasVnni ? 127 : 64;

    /// <summary>The scale of each column of a [rows, columns] matrix.</summary>
    public static float[] Scales(ReadOnlySpan<float> matrix, int columns)
    {
        var scales = new float[columns];
        for (; !matrix.IsEmpty; matrix = matrix[columns..])
        {
            for (var c = 0; c < columns; c++)
                scales[c] = MathF.Max(scales[c], MathF.Abs(matrix[c]));
        }

        foreach (ref var scale in scales.AsSpan())
            scale = scale == 0 ? 1 : scale / Largest;
        return scales;
    }

    /// <summary>The matrix in units of its columns' scales.</summary>
    public static byte[] Quantize(ReadOnlySpan<float> matrix, int columns)
    {
        var scales = Scales(matrix, columns);
        var result = new byte[matrix.Length];
        for (var at = 0; at < matrix.Length; at += columns)
        {
            for (var c = 0; c < columns; c++)
                result[at + c] = (byte)(sbyte)Math.Clamp(MathF.Round(matrix[at + c] / scales[c]), -Largest, Largest);
        }

        return result;
    }
}
