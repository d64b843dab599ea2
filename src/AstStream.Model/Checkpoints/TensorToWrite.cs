namespace AstStream.Model.Checkpoints;

/// <summary>A tensor to be written: its values are asked for when their turn comes, so that one at a time is in memory.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">float32, float16 or bfloat16.</param>
/// <param name="Shape">Its shape.</param>
/// <param name="Read">Gives its values, row-major.</param>
internal sealed record TensorToWrite(string Name, ElementType Type, int[] Shape, Func<float[]> Read)
{
    public long Bytes => Shape.Aggregate((long)Type.Width(), (a, b) => a * b);
}
