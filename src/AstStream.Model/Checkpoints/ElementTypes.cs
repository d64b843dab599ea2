using System.Runtime.InteropServices;

namespace AstStream.Model.Checkpoints;

/// <summary>What element types are, in bytes.</summary>
internal static class ElementTypes
{
    /// <summary>Bytes of one element.</summary>
    public static int Width(this ElementType type) => type switch
    {
        ElementType.Float32 => 4,
        ElementType.Float16 or ElementType.BFloat16 => 2,
        ElementType.Int64 => 8,
        _ => 1,
    };

    /// <summary>Rounds values to a floating-point type, to the nearest, ties to even, and returns their bytes.</summary>
    /// <exception cref="InvalidCheckpointException">A value is beyond the type's range.</exception>
    public static byte[] Encode(this ElementType type, ReadOnlySpan<float> values, string name)
    {
        var bytes = new byte[values.Length * type.Width()];
        switch (type)
        {
            case ElementType.Float32:
                MemoryMarshal.AsBytes(values).CopyTo(bytes);
                break;
            case ElementType.Float16:
                var halves = MemoryMarshal.Cast<byte, Half>(bytes.AsSpan());
                for (var i = 0; i < values.Length; i++)
                {
                    halves[i] = (Half)values[i];
                    if (!Half.IsFinite(halves[i]))
                        throw new InvalidCheckpointException(
                            $"tensor {name}: {values[i]} at index {i} is beyond float16's range of ±65504; take bfloat16 or float32");
                }

                break;
            case ElementType.BFloat16:
                var brains = MemoryMarshal.Cast<byte, ushort>(bytes.AsSpan());
                for (var i = 0; i < values.Length; i++)
                {
                    var bits = BitConverter.SingleToUInt32Bits(values[i]);
                    brains[i] = (ushort)((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
                    if ((brains[i] & 0x7F80) == 0x7F80)
                        throw new InvalidCheckpointException(
                            $"tensor {name}: {values[i]} at index {i} is beyond bfloat16's range; take float32");
                }

                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(type), type, "not a floating-point type");
        }

        return bytes;
    }
}
