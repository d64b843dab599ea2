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

    /// <summary>How many of the last classes are labels of the checkpoint that none of the view's own classes is made of.</summary>
    public int Beside { get; private init; }

    /// <summary>Its labels, without those that stand beside them.</summary>
    public IReadOnlyList<string> Reported => Beside == 0 ? Labels : [.. Labels.SkipLast(Beside)];

    /// <summary>Whether its classes are not the checkpoint's own.</summary>
    public required bool HasOwnClasses { get; init; }

    /// <summary>The view with labels of the checkpoint beside its own classes.</summary>
    /// <param name="labels">The checkpoint's labels.</param>
    internal LabelView WithOthers(IReadOnlyList<string> labels)
    {
        var known = Members.SelectMany(m => m).ToHashSet();
        var others = Enumerable.Range(0, labels.Count).Where(l => !known.Contains(l) && !Labels.Contains(labels[l])).ToList();
        return this with
        {
            Labels = [.. Labels, .. others.Select(l => labels[l])],
            Members = [.. Members, .. others.Select(l => (int[])[l])],
            Beside = others.Count,
        };
    }

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
