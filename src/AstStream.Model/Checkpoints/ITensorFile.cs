using System.Security.Cryptography;

namespace AstStream.Model.Checkpoints;

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
