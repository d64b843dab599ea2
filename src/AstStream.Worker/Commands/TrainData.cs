using System.Globalization;
using AstStream.Learning.Evaluation;
using AstStream.Learning.Training;

namespace AstStream.Worker.Commands;

/// <summary>Which clips are trained on, and which are measured on.</summary>
/// <param name="Train">The clips to train on.</param>
/// <param name="HeldOut">The clips to measure on, where they are given.</param>
/// <param name="Share">The share of the recordings that is kept out to measure on, where none are given.</param>
internal sealed record TrainData(IReadOnlyList<LabelledClip> Train, IReadOnlyList<LabelledClip>? HeldOut, double Share)
{
    private const double MostHeldOut = 0.5;

    /// <summary>Chooses among clips.</summary>
    /// <param name="judged">Those of a station, which are in no fold.</param>
    /// <param name="read">Those of the data.</param>
    /// <param name="from">What the data is called.</param>
    /// <param name="folds">The folds to train on; none for all others.</param>
    /// <param name="heldOutFolds">The folds to measure on.</param>
    /// <param name="heldOut">A share, or labelled clips.</param>
    /// <param name="labels">The labels that are wanted; none for all.</param>
    /// <param name="nothing">Labels that stand for nothing.</param>
    /// <exception cref="InvalidTruthException">There is no such fold, or what is to be measured on can't be read.</exception>
    /// <exception cref="InvalidTrainingException">They don't go together.</exception>
    public static TrainData Choose(
        IReadOnlyList<LabelledClip> judged, IReadOnlyList<LabelledClip> read, string from, string[] folds, string[] heldOutFolds,
        string heldOut, string[] labels, string[] nothing)
    {
        IReadOnlyList<LabelledClip> all = [.. judged, .. read];
        var there = all.Select(c => c.Fold).Distinct().Order(StringComparer.Ordinal).ToList();
        if (folds.Concat(heldOutFolds).FirstOrDefault(f => !there.Contains(f)) is { } missing)
            throw new InvalidTruthException(
                $"{from}: has no fold '{missing}'"
                    + (there.TrueForAll(f => f.Length == 0) ? ": its clips are in none" : $"; expected one of {string.Join(", ", there)}"));
        if (labels.FirstOrDefault(l => !all.Any(c => c.Labels.Contains(l) || c.Judged?.Contains(l) == true)) is { } unknown)
            throw new InvalidTrainingException($"{from}: no clip has the label '{unknown}'");
        if (folds.Intersect(heldOutFolds).FirstOrDefault() is { } both)
            throw new InvalidTrainingException($"fold {both} is both trained on and kept out; expected it on one side");
        bool IsNothing(string label) => nothing.Contains(label, StringComparer.OrdinalIgnoreCase);
        bool IsWanted(LabelledClip clip) => labels.Length == 0 || clip.Judged is not null
            || clip.Labels.Any(labels.Contains) || clip.Labels.Any(IsNothing);
        List<LabelledClip> Of(IEnumerable<LabelledClip> clips) => [.. clips.GroupBy(c => c.Path, StringComparer.Ordinal)
            .Select(g => g.First() with { Labels = [.. g.SelectMany(c => c.Labels).Distinct()] }) // a row a label
            .Where(IsWanted).Select(c => labels.Length == 0 ? c
                : c with
                {
                    Labels = [.. c.Labels.Where(l => labels.Contains(l) || IsNothing(l))],
                    Judged = c.Judged is { } judged ? [.. judged.Intersect(labels)] : null,
                })];
        var train = Of(judged.Concat(read.Where(
            c => folds.Length > 0 ? folds.Contains(c.Fold) : !heldOutFolds.Contains(c.Fold))));
        if (heldOutFolds.Length > 0)
        {
            var measured = Of(all.Where(c => heldOutFolds.Contains(c.Fold)));
            return train.Select(c => c.Group).Intersect(measured.Select(c => c.Group)).FirstOrDefault() is { } shared
                ? throw new InvalidTrainingException(
                    $"{from}: recording '{shared}' is in a fold that is trained on and in one that is kept out; figures would say nothing")
                : new TrainData(train, measured, 0);
        }

        if (double.TryParse(heldOut, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var share))
            return share is >= 0 and <= MostHeldOut ? new TrainData(train, null, share)
                : throw new InvalidTrainingException($"--held-out {heldOut}: expected a share from 0 to {MostHeldOut}, or labelled clips");
        return new TrainData(train, Of(ClipDataset.Read(heldOut, Errors.Note)), 0);
    }
}
