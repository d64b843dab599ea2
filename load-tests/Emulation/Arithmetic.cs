using AstStream.Model.Checkpoints;

namespace AstStream.Emulation;

/// <summary>Rounding as a GPU's kernels do it: they compute in float32 and round what they write.</summary>
internal static class Arithmetic
{
    /// <summary>Rounds values to a type, to the nearest, ties to even.</summary>
    public static void Round(Span<float> values, ElementType type)
    {
        switch (type)
        {
            case ElementType.Float16:
                foreach (ref var value in values)
                    value = (float)(Half)value;
                break;
            case ElementType.BFloat16:
                RoundBits(values, 16);
                break;
            case ElementType.Float32:
            default:
                break;
        }
    }

    /// <summary>Rounds the factors of a product to TF32: float32 with 10 bits after the first.</summary>
    public static float[] ToTf32(float[] values)
    {
        var rounded = (float[])values.Clone();
        RoundBits(rounded, 13);
        return rounded;
    }

    /// <summary>The error function, within 1.2e-7 (Numerical Recipes' erfc).</summary>
    public static double Erf(double x)
    {
        var z = Math.Abs(x);
        var t = 1 / (1 + (0.5 * z));
        ReadOnlySpan<double> terms = [-1.26551223, 1.00002368, 0.37409196, 0.09678418, -0.18628806, 0.27886807, -1.13520398, 1.48851587,
            -0.82215223, 0.17087277];
        var sum = 0.0;
        for (var i = terms.Length - 1; i >= 0; i--)
            sum = (sum * t) + terms[i];
        var erfc = t * Math.Exp((-z * z) + sum);
        return x >= 0 ? 1 - erfc : erfc - 1;
    }

    private static void RoundBits(Span<float> values, int bits)
    {
        foreach (ref var value in values)
        {
            var all = BitConverter.SingleToUInt32Bits(value);
            all += (1u << (bits - 1)) - 1 + ((all >> bits) & 1);
            value = BitConverter.UInt32BitsToSingle(all & ~((1u << bits) - 1));
        }
    }
}
