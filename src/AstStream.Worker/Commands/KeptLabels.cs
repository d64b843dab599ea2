using AstStream.Learning.Training;
using AstStream.Model.Checkpoints;
using AstStream.Model.Import;

namespace AstStream.Worker.Commands;

/// <summary>The base's labels, where they are kept: the head that is written has them first, and then those that are learnt.</summary>
/// <param name="checkpoint">The base.</param>
/// <param name="keeps">Whether they are kept; else there are none.</param>
/// <exception cref="InvalidTrainingException">They are to be kept, and the base's scores depend on one another.</exception>
internal sealed class KeptLabels(AstCheckpoint checkpoint, bool keeps)
{
    /// <summary>The base's own head; null where its labels are not kept.</summary>
    public ClassifierHead? Prior { get; } = keeps ? Read(checkpoint) : null;

    /// <summary>The base's labels beside some that are learnt, by index.</summary>
    public IReadOnlyList<int> Beside(IReadOnlyList<string> learnt) =>
        [.. (Prior?.Labels ?? []).Index().Where(l => !learnt.Contains(l.Item)).Select(l => l.Index)];

    /// <summary>The groups of the base's localiser that are kept, by index, beside labels that get a group of their own.</summary>
    public IReadOnlyList<int> Groups(IReadOnlyCollection<string> placed) =>
        Prior is null ? [] : CheckpointLocaliser.Kept(checkpoint, placed);

    /// <summary>The head that is written.</summary>
    public ClassifierHead Join(IReadOnlyList<string> learnt, LogisticHead head)
    {
        if (Prior is not { } own)
            return new ClassifierHead(learnt, head.Weights, head.Bias);
        var (kept, width) = (Beside(learnt), own.Weights.Count / own.Labels.Count);
        return new ClassifierHead(
            [.. kept.Select(k => own.Labels[k]), .. learnt],
            [.. kept.SelectMany(k => own.Weights.Skip(k * width).Take(width)), .. head.Weights],
            [.. kept.Select(k => own.Bias[k]), .. head.Bias]);
    }

    /// <summary>The thresholds that are written: the base's own, where it has some, before those that are learnt.</summary>
    public IReadOnlyList<double?> Thresholds(IReadOnlyList<string> learnt, IReadOnlyList<double> thresholds) =>
        [.. Beside(learnt).Select(OwnThreshold), .. thresholds];

    /// <summary>
    /// Thresholds that are not under the base's own, of labels that it has: those were chosen on much more of what is none of them than a
    /// few clips can be. Labels whose least threshold is known are left as they are.
    /// </summary>
    public IReadOnlyList<double> NotUnder(
        IReadOnlyList<string> learnt, IReadOnlyList<double> thresholds, IReadOnlyDictionary<string, double> least)
    {
        return [.. learnt.Zip(
            thresholds, (label, t) => least.ContainsKey(label) ? t : Math.Max(t, OwnThreshold(label) ?? t))];
    }

    /// <summary>The base's own threshold of a label that is kept; null where it has none.</summary>
    public double? OwnThreshold(string label) =>
        Prior?.Labels.Index().FirstOrDefault(l => l.Item == label) is (var index, not null) ? OwnThreshold(index) : null;

    private static ClassifierHead Read(AstCheckpoint checkpoint) =>
        checkpoint.Config.DefaultActivation == ScoreActivation.Sigmoid ? CheckpointHead.Read(checkpoint)
            : throw new InvalidTrainingException(
                $"{checkpoint.Name}: says which one of its labels a sound is (problem_type "
                    + $"{checkpoint.Config.ProblemType ?? "not given"}), so none can stand beside them; expected a base that is "
                    + "multi_label_classification, or --keep-labels false");

    private double? OwnThreshold(int label) =>
        checkpoint.Thresholds?[label] is { } threshold && float.IsFinite(threshold) ? threshold : null;
}
