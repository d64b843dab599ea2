namespace AstStream.Model.Training;

/// <summary>A tensor of a graph under construction.</summary>
/// <param name="Name">Its name in the graph.</param>
/// <param name="Shape">Its shape; all of it is known.</param>
/// <param name="NeedsGradient">Whether a parameter that is trained is in it.</param>
internal sealed record GraphTensor(string Name, IReadOnlyList<int> Shape, bool NeedsGradient = false)
{
    /// <summary>Its axes.</summary>
    public int Rank => Shape.Count;

    /// <summary>The last axis.</summary>
    public int Last => Shape[^1];

    /// <summary>Its numbers.</summary>
    public int Size => Shape.Aggregate(1, (a, b) => a * b);
}
