using System.Runtime.InteropServices;

namespace AstStream.Model.Checkpoints;

/// <summary>One tensor of a file.</summary>
/// <param name="DType">Its type by safetensors' names: F32, F16, BF16, F64, I64…</param>
/// <param name="Shape">Its shape.</param>
internal record TensorInfo(string DType, int[] Shape)
{
    /// <summary>Numbers of a floating-point type as float32; null for another type.</summary>
    public static float[]? Widen(string dtype, ReadOnlySpan<byte> bytes)
    {
        switch (dtype)
        {
            case "F32":
                return MemoryMarshal.Cast<byte, float>(bytes).ToArray();
            case "F16":
                var halves = MemoryMarshal.Cast<byte, Half>(bytes);
                var values = new float[halves.Length];
                for (var i = 0; i < values.Length; i++)
                    values[i] = (float)halves[i];
                return values;
            case "BF16": // the upper half of a float32
                var brains = MemoryMarshal.Cast<byte, ushort>(bytes);
                values = new float[brains.Length];
                for (var i = 0; i < values.Length; i++)
                    values[i] = BitConverter.UInt32BitsToSingle((uint)brains[i] << 16);
                return values;
            case "F64":
                var doubles = MemoryMarshal.Cast<byte, double>(bytes);
                values = new float[doubles.Length];
                for (var i = 0; i < values.Length; i++)
                    values[i] = (float)doubles[i];
                return values;
            default:
                return null;
        }
    }

    /// <summary>What is wrong with a tensor that holds infinities or numbers that are none; null where all are finite.</summary>
    public static string? NotFinite(string name, float[] values)
    {
        var bad = Array.FindIndex(values, v => !float.IsFinite(v));
        return bad < 0
            ? null : $"tensor {name}: {values[bad]} at index {bad}; expected finite weights. Was the training stable, is the file whole?";
    }
}
