namespace AstStream.Model.Checkpoints;

/// <summary>
/// A checkpoint's localiser: what says in which columns of a window a label sounds, given that it is there. The patches of a column are
/// averaged over the frequencies after the encoder's last LayerNorm, then a LayerNorm, a linear layer, the encoder's activation function
/// and a linear layer give a logit for each group of labels. config.json describes it as "localiser"; its tensors are localiser.layernorm,
/// localiser.intermediate.dense and localiser.output.dense, which transformers leaves out.
/// </summary>
public sealed record LocaliserConfig
{
    /// <summary>Width between its two linear layers.</summary>
    public required int IntermediateSize { get; init; }

    /// <summary>Epsilon of its LayerNorm.</summary>
    public required float LayerNormEps { get; init; }

    /// <summary>Of each output, the checkpoint's own labels that it places, by index.</summary>
    public required IReadOnlyList<IReadOnlyList<int>> Groups { get; init; }

    /// <summary>
    /// Of each class, the output that places it: the one whose labels have most in common with the class's, and least besides; -1 where
    /// none has any.
    /// </summary>
    /// <param name="classes">Of each class, the checkpoint's labels that make it: one each, unless a view's classes were taken.</param>
    public IReadOnlyList<int> GroupOf(IReadOnlyList<IReadOnlyList<int>> classes) => [.. classes.Select(Nearest)];

    /// <inheritdoc/>
    public bool Equals(LocaliserConfig? other) => other is not null && IntermediateSize == other.IntermediateSize
        && LayerNormEps == other.LayerNormEps && Groups.Count == other.Groups.Count
        && Groups.Zip(other.Groups).All(g => g.First.SequenceEqual(g.Second));

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(IntermediateSize, LayerNormEps, Groups.Count);

    private int Nearest(IReadOnlyList<int> labels)
    {
        var (nearest, most) = (-1, 0.0);
        for (var i = 0; i < Groups.Count; i++)
        {
            var common = Groups[i].Count(labels.Contains);
            var share = (double)common / (Groups[i].Count + labels.Count - common);
            if (share > most)
                (nearest, most) = (i, share);
        }

        return nearest;
    }
}
