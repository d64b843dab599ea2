namespace AstStream.Model.Checkpoints;

/// <summary>Where one tensor of the model comes from.</summary>
/// <param name="File">The file.</param>
/// <param name="Name">Its name there.</param>
/// <param name="Third">Which third of its rows: query, key and value lie in one matrix in the authors' checkpoints; null for all.</param>
internal sealed record TensorSource(ITensorFile File, string Name, int? Third)
{
    public int[] Shape =>
        File.Tensors[Name].Shape is [var rows, .. var rest] && Third is not null && rows % 3 == 0
        ? [rows / 3, .. rest] : File.Tensors[Name].Shape;

    /// <summary>What to do about a wrong shape, where a flag may be wrong.</summary>
    public string Hint =>
        TensorNames.IsAuthors(File) && Name.EndsWith("pos_embed", StringComparison.Ordinal)
        ? "; are --frequency-stride, --time-stride and --max-length right?" : "";

    public float[] Read()
    {
        var values = File.Read(Name);
        return Third is { } third ? values.AsSpan(third * (values.Length / 3), values.Length / 3).ToArray() : values;
    }
}
