namespace AstStream.Model.Runtime;

/// <summary>A call of CUDA's own libraries failed.</summary>
internal sealed class CudaException(string message) : Exception(message);
