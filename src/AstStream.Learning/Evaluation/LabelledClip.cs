namespace AstStream.Learning.Evaluation;

/// <summary>A clip and what is in it.</summary>
/// <param name="Path">The file.</param>
/// <param name="Labels">What is in it; one label, or several.</param>
/// <param name="Group">The recording, or the speaker, that it is of: clips of one group are alike.</param>
/// <param name="Fold">The part of the data that it belongs to; empty where there are none.</param>
public sealed record LabelledClip(string Path, IReadOnlyList<string> Labels, string Group, string Fold)
{
    /// <summary>Where it was cut from, for messages; null, the default, where it is a file of its own.</summary>
    public string? CutFrom { get; init; }

    /// <summary>
    /// The labels of which somebody said whether they are there; empty where nobody has listened. Null, the default, where what is not in
    /// <see cref="Labels"/> is not there.
    /// </summary>
    public IReadOnlyList<string>? Judged { get; init; }

    /// <summary>A file of the same sound with what is around it, a window long, to learn besides; null, the default, for none.</summary>
    public string? Around { get; init; }

    /// <summary>What messages call it.</summary>
    public string Name => CutFrom ?? Path;

    /// <summary>When what is in it sounds, in seconds from its beginning; null, the default, where nobody knows.</summary>
    public IReadOnlyList<TimedLabel>? Times { get; init; }
}
