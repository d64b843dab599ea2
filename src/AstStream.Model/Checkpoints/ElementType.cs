namespace AstStream.Model.Checkpoints;

/// <summary>Tensor element types, by ONNX's own numbers (TensorProto.DataType).</summary>
internal enum ElementType
{
    Float32 = 1,
    Int8 = 3,
    Int64 = 7,
    Bool = 9,
    Float16 = 10,
    BFloat16 = 16,
}
