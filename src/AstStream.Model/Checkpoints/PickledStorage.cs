namespace AstStream.Model.Checkpoints;

/// <summary>A pickled tensor's numbers: a part of the file.</summary>
/// <param name="Key">Its name in the file.</param>
/// <param name="DType">Its type by safetensors' names.</param>
/// <param name="Count">Elements.</param>
internal sealed record PickledStorage(string Key, string DType, long Count);
