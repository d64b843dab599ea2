namespace AstStream.Model.Checkpoints;

/// <summary>Which of a model's classes say something else than a class: what is far more clearly one of them is not that class.</summary>
public static class LabelRivals
{
    /// <summary>
    /// Of each class, those among some that say something else: none that has a label in common with it, and none whose label AudioSet's
    /// ontology has above or below one of its labels, or that means the same sound.
    /// </summary>
    /// <param name="checkpoint">The model, with the view that was taken.</param>
    /// <param name="among">Indices of classes.</param>
    public static IReadOnlyList<IReadOnlyList<int>> Of(AstCheckpoint checkpoint, IReadOnlyCollection<int> among)
    {
        var labels = checkpoint.OwnLabels;
        var (above, related) = (AudioSet.Ancestors(labels), AudioSet.Related(labels));
        IReadOnlyList<int> Members(int c) => checkpoint.View?.Members[c] ?? [c];
        bool SaysTheSame(int a, int b) => a == b || above[a].Contains(b) || above[b].Contains(a) || related[a].Contains(b);
        bool IsRival(int c, int other) => other != c && !Members(c).Any(a => Members(other).Any(b => SaysTheSame(a, b)));
        return [.. checkpoint.Config.Labels.Select((_, c) => (IReadOnlyList<int>)[.. among.Where(o => IsRival(c, o)).Order()])];
    }
}
