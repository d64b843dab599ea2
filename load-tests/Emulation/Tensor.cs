using AstStream.Model.Checkpoints;

namespace AstStream.Emulation;

/// <summary>A tensor of the interpreter: floating-point values, rounded to its type, or whole numbers.</summary>
/// <param name="Type">Its element type.</param>
/// <param name="Shape">Its dimensions.</param>
/// <param name="Values">The values of a floating-point type.</param>
/// <param name="Integers">The values of an integer type.</param>
internal sealed record Tensor(ElementType Type, int[] Shape, float[] Values, long[] Integers)
{
    public int Last => Shape[^1];

    public int Rows => Values.Length / Last;

    /// <summary>Values that a kernel has computed, rounded to the type in which it writes them.</summary>
    public static Tensor Of(ElementType type, int[] shape, float[] values)
    {
        Arithmetic.Round(values, type);
        return new Tensor(type, shape, values, []);
    }
}
