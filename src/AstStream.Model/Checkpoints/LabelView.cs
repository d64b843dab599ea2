using System.Numerics.Tensors;

namespace AstStream.Model.Checkpoints;

/// <summary>A named group of a checkpoint's labels, or names of its own for groups of them.</summary>
/// <param name="Name">The view's name.</param>
/// <param name="Labels">Labels of the checkpoint, or the view's own classes.</param>
public sealed record LabelView(string Name, IReadOnlyList<string> Labels)
{
    /// <summary>
    /// Of each class, the checkpoint's labels that make it, by index: a class's logit is the mean of theirs. One each in a plain group.
    /// </summary>
    public required IReadOnlyList<IReadOnlyList<int>> Members { get; init; }

    /// <summary>Whether its classes are not the checkpoint's own.</summary>
    public required bool HasOwnClasses { get; init; }

    /// <summary>The rows of the view's classes, made of the rows of a checkpoint's labels.</summary>
    internal float[] Means(ReadOnlySpan<float> rows, int width)
    {
        var means = new float[Labels.Count * width];
        for (var i = 0; i < Labels.Count; i++)
        {
            var mean = means.AsSpan(i * width, width);
            foreach (var member in Members[i])
                TensorPrimitives.Add(mean, rows.Slice(member * width, width), mean);
            TensorPrimitives.Divide(mean, Members[i].Count, mean);
        }

        return means;
    }
}
