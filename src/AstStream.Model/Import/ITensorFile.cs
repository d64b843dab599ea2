using System.Security.Cryptography;

namespace AstStream.Model.Import;

/// <summary>One tensor of a file.</summary>
/// <param name="DType">Its type by safetensors' names: F32, F16, BF16, F64, I64…</param>
/// <param name="Shape">Its shape.</param>
internal record TensorInfo(string DType, int[] Shape);

/// <summary>A file of named tensors.</summary>
internal interface ITensorFile : IDisposable
{
    /// <summary>Where it lies.</summary>
    string Path { get; }

    /// <summary>What it holds.</summary>
    IReadOnlyDictionary<string, TensorInfo> Tensors { get; }

    /// <summary>A tensor as float32, row-major; every value is finite.</summary>
    float[] Read(string name);

    /// <summary>Adds the whole file to a hash.</summary>
    void AddTo(IncrementalHash hash);
}
