namespace AstStream.Model.Onnx;

/// <summary>
/// The precision that the encoder's products are done in. LayerNorm and softmax are float32 whatever it is; sums are float32 inside a
/// product, or whole numbers of 32 bits with int8.
/// </summary>
public enum ModelPrecision
{
    /// <summary>float32.</summary>
    Float32,

    /// <summary>float16; not on the CPU, which has no kernels for it.</summary>
    Float16,

    /// <summary>bfloat16; not on the CPU.</summary>
    BFloat16,

    /// <summary>Weights and activations of the linear layers in eight bits, attention in float32; CPU only.</summary>
    Int8,
}
