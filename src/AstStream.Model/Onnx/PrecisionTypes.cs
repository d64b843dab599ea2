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
}
