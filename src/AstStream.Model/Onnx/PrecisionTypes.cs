using AstStream.Model.Checkpoints;

namespace AstStream.Model.Onnx;

/// <summary>What a precision is in tensors.</summary>
internal static class PrecisionTypes
{
    /// <summary>The type of a precision's activations.</summary>
    public static ElementType ActivationType(this ModelPrecision precision) => precision switch
    {
        ModelPrecision.Float16 => ElementType.Float16,
        ModelPrecision.BFloat16 => ElementType.BFloat16,
        _ => ElementType.Float32,
    };

    /// <summary>
    /// The type of the input and of the patch embedding: half with float16. With bfloat16, whose 8 bits are few for an input, and for which
    /// CUDA has not all of the operators, it is float32.
    /// </summary>
    public static ElementType EmbeddingType(this ModelPrecision precision) =>
        precision == ModelPrecision.Float16 ? ElementType.Float16 : ElementType.Float32;
}
