using AstStream.Events;

namespace AstStream.Streaming.Sources;

/// <summary>What a model has names for, and how much it hears at once.</summary>
/// <param name="labels">Its labels, by class.</param>
/// <param name="windowLength">The samples of its window, as <see cref="ModelTime"/> counts; 0 where nobody asks.</param>
/// <param name="under">The labels that a name means; null where every label means itself alone.</param>
public sealed class Vocabulary(
    IReadOnlyList<string> labels, long windowLength = 0, Func<string, IReadOnlyList<string>>? under = null)
{
    /// <summary>Its labels, by class.</summary>
    public IReadOnlyList<string> Labels => labels;

    /// <summary>The samples of its window, as <see cref="ModelTime"/> counts.</summary>
    public long WindowLength => windowLength;

    /// <summary>
    /// Those of its labels that some names mean: labels, and those of views; and the labels below them in AudioSet's ontology.
    /// </summary>
    /// <param name="names">Labels or views; those that it does not have mean nothing.</param>
    public IReadOnlySet<string> Under(IEnumerable<string> names) =>
        names.SelectMany(n => under?.Invoke(n) ?? [.. labels.Where(l => l == n)]).ToHashSet(StringComparer.Ordinal);
}
