namespace AstStream.Model.Runtime;

/// <summary>What a model runs on.</summary>
public enum ExecutionProvider
{
    /// <summary>ONNX Runtime's own CPU kernels.</summary>
    Cpu,

    /// <summary>An NVIDIA GPU through CUDA.</summary>
    Cuda,

    /// <summary>An NVIDIA GPU through TensorRT; what it does not take goes on to the next provider.</summary>
    TensorRt,
}
