using System.Collections.Immutable;
using AstStream.Learning.Evaluation;

namespace AstStream.Learning.Training;

/// <summary>
/// Trains a head on embeddings: chooses the ridge by cross-validation over recordings, fits, chooses thresholds, and measures on recordings
/// that were kept out. Clips with the same sound count as one recording, whatever they are called.
/// </summary>
/// <param name="options">How.</param>
/// <param name="norm">Makes what a head is given of an embedding: the classifier's LayerNorm.</param>
public sealed class HeadTraining(HeadOptions options, Func<float[], float[]> norm)
{
    /// <summary>Trains.</summary>
    /// <param name="clips">The clips.</param>
    /// <param name="heldOut">Clips to measure on; null keeps some recordings out.</param>
    /// <param name="progress">Told the share that is done, 0 to 1.</param>
    /// <param name="stop">Gives up.</param>
    /// <exception cref="InvalidTrainingException">No head can be trained on them.</exception>
    public TrainedHead Train(
        IReadOnlyList<EmbeddedClip> clips, IReadOnlyList<EmbeddedClip>? heldOut, Action<double>? progress, CancellationToken stop)
    {
        var set = new TrainingSet(clips.Select(c => (c.Clip, c.Content)), options.Nothing, known: options.Prior?.Labels);
        var labels = set.Labels;
        set.Check();
        var rows = Rows(clips, set);
        var measuredSet = heldOut is null ? null : new TrainingSet(heldOut.Select(c => (c.Clip, c.Content)), options.Nothing, labels);
        if (measuredSet is not null)
            set.RefuseShared(measuredSet);
        var kept = heldOut is null && options.HeldOut > 0 // recordings that are measured on
            ? set.KeepOut(options.HeldOut, ImmutableHashSet<string>.Empty, "--held-out") : ImmutableHashSet<string>.Empty;
        List<TrainingRow> fitted = [.. rows.Where(r => !kept.Contains(r.Recording))];
        var (ridge, losses, scores) = Choose(set, fitted, progress, stop);
        var fit = Fit(fitted, labels);
        var parameters = fit.Begin();
        fit.Fit(parameters, ridge, stop);
        var head = fit.Head(parameters);
        progress?.Invoke(1);

        var firsts = fitted.Where(IsMeasured).ToList();
        var crossValidated = Report(labels, firsts, clips, [.. firsts.Select(r => scores[r.Clip])]);
        var measured = measuredSet is null ? rows.Where(r => IsMeasured(r) && kept.Contains(r.Recording)).ToList()
            : Rows(heldOut!, measuredSet).Where(IsMeasured).ToList();
        return new TrainedHead(
            labels, head, Thresholds(labels, firsts, scores), ridge, losses,
            (firsts.Count, firsts.Select(r => r.Recording).Distinct().Count()), crossValidated,
            measured.Count == 0 ? null : Report(labels, measured, heldOut ?? clips, [.. measured.Select(r => r.ScoresBy(head))]));
    }

    private HeadFit Fit(List<TrainingRow> rows, IReadOnlyList<string> labels)
    {
        var known = new Dictionary<int, (float[] Weights, float Bias)>();
        var width = rows[0].Features.Length;
        foreach (var (c, label) in labels.Index())
        {
            if (options.Prior is { } prior && prior.Labels.ToList().IndexOf(label) is >= 0 and var at)
                known.Add(c, ([.. prior.Weights.Skip(at * width).Take(width)], prior.Bias[at]));
        }

        return new HeadFit(rows, labels.Count, options.IsBalanced, known);
    }

    /// <summary>With a head to go on from it may be best to stay near it.</summary>
    private IReadOnlyList<double> Ridges(IReadOnlyList<string> labels) => options.Ridge is { } given ? [given]
        : options.Prior is { } prior && labels.Any(prior.Labels.Contains) ? [100, 30, 10, 3, .. options.Ridges] : options.Ridges;

    /// <summary>A row a window, with what is there in its clip.</summary>
    private List<TrainingRow> Rows(IReadOnlyList<EmbeddedClip> clips, TrainingSet set) =>
    [
        .. clips.SelectMany((clip, i) =>
        {
            List<float[]> features = [.. clip.Windows.Select(norm)];
            return features.Select((window, w) => new TrainingRow(
                window, set.Targets[i], 1f / features.Count, set.Recordings[i], i, w == 0)
            {
                Judged = set.Judged[i],
                Around = w == 0 && clip.Clip.Around is not null && features.Count > 1 ? features[1] : null,
            });
        }),
    ];

    /// <summary>Whether figures and thresholds are of a window.</summary>
    private static bool IsMeasured(TrainingRow row) => row.IsFirst && row.IsJudged;

    /// <summary>The ridge with the least loss on recordings that the heads were not fitted on, and their scores of the clips.</summary>
    private (double Ridge, IReadOnlyList<(double Ridge, double Loss)> Losses, Dictionary<int, float[]> Scores) Choose(
        TrainingSet set, List<TrainingRow> rows, Action<double>? progress, CancellationToken stop)
    {
        var classes = set.Labels.Count;
        var most = Enumerable.Range(0, classes).Where(c => !set.IsKnown(set.Labels[c]))
            .Select(c => rows.Where(r => r.Targets.Contains(c)).Select(r => r.Recording).Distinct().Count())
            .DefaultIfEmpty(rows.Select(r => r.Recording).Distinct().Count()).Min();
        var folds = Math.Clamp(most, 2, options.Folds);
        var dealt = set.Deal(rows.Where(r => r.IsFirst).Select(r => r.Clip), folds);
        var ridges = Ridges(set.Labels);
        var losses = new double[ridges.Count];
        var total = rows.Sum(r => (double)r.Weight);
        var scores = ridges.Select(_ => new Dictionary<int, float[]>()).ToArray();
        for (var fold = 0; fold < folds; fold++)
        {
            var fitted = rows.Where(r => dealt[r.Recording] != fold).ToList();
            var other = rows.Where(r => dealt[r.Recording] == fold).ToList();
            if (fitted.Count == 0 || other.Count == 0)
                continue;
            var fit = Fit(fitted, set.Labels);
            var parameters = fit.Begin();
            foreach (var (i, ridge) in ridges.Index()) // each from the one before
            {
                fit.Fit(parameters, ridge, stop);
                var head = fit.Head(parameters);
                losses[i] += fit.LossOf(head, other) * other.Sum(r => r.Weight) / total;
                foreach (var row in other.Where(r => r.IsFirst))
                    scores[i][row.Clip] = row.ScoresBy(head);
                progress?.Invoke((fold + ((i + 1.0) / ridges.Count)) / (folds + 1));
            }
        }

        var best = Array.IndexOf(losses, losses.Min());
        return (ridges[best], [.. ridges.Zip(losses)], scores[best]);
    }

    private IReadOnlyList<double> Thresholds(IReadOnlyList<string> labels, List<TrainingRow> rows, Dictionary<int, float[]> scores)
    {
        const double hours = 1; // a clip's length does not matter: the rules that are taken here do not ask for it
        List<List<(double Score, bool IsThere)>> said = [.. labels.Select((_, c) => rows.Where(r => r.IsSaid(c))
            .Select(r => ((double)scores[r.Clip][c], r.Targets.Contains(c))).ToList())];
        double[] least = [.. labels.Select(l => options.LeastThresholds.GetValueOrDefault(l))];
        return options.Thresholds is not { } rule ? JudgedThresholds.Choose(said, least)
            : [.. said.Zip(least, (clips, floor) => Math.Max(
                floor, rule.Choose([.. clips.Select(c => c.Score)], [.. clips.Select(c => c.IsThere)], hours).Threshold))];
    }

    private static ClipReport Report(
        IReadOnlyList<string> labels, List<TrainingRow> rows, IReadOnlyList<EmbeddedClip> clips, IReadOnlyList<float[]> scores) =>
        new(labels, [.. rows.Select(r => clips[r.Clip].Clip with { Group = r.Recording })], scores);
}
