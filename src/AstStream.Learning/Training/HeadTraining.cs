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
    private const int FewestRecordings = 2; // of a label: one to fit on, one to choose by

    /// <summary>Trains.</summary>
    /// <param name="clips">The clips.</param>
    /// <param name="heldOut">Clips to measure on; null keeps some recordings out.</param>
    /// <param name="progress">Told the share that is done, 0 to 1.</param>
    /// <param name="stop">Gives up.</param>
    /// <exception cref="InvalidTrainingException">No head can be trained on them.</exception>
    public TrainedHead Train(
        IReadOnlyList<EmbeddedClip> clips, IReadOnlyList<EmbeddedClip>? heldOut, Action<double>? progress, CancellationToken stop)
    {
        string[] labels =
        [
            .. clips.SelectMany(c => c.Clip.Labels).Except(options.Nothing, StringComparer.OrdinalIgnoreCase).Order(StringComparer.Ordinal),
        ];
        Check(clips, labels);
        var rows = Rows(clips, labels);
        if (Missing(rows, labels) is { } few)
            throw new InvalidTrainingException(few);
        if (heldOut is not null)
            RefuseShared(clips, heldOut, labels);
        var kept = new HashSet<string>(StringComparer.Ordinal); // recordings that are measured on
        if (heldOut is null && options.HeldOut > 0)
        {
            // The smallest fold that leaves enough of every label.
            var recordings = rows.Select(r => r.Recording).Distinct().Count();
            var folds = Deal(rows, Math.Clamp((int)Math.Round(1 / options.HeldOut), 2, Math.Max(2, recordings))).GroupBy(f => f.Value)
                .Select(g => g.Select(f => f.Key).ToHashSet(StringComparer.Ordinal))
                .OrderBy(g => rows.Count(r => r.IsFirst && g.Contains(r.Recording))).ToList();
            kept = folds.Find(g => Missing(rows.Where(r => !g.Contains(r.Recording)), labels) is null)
                ?? throw new InvalidTrainingException(
                    $"{Missing(rows.Where(r => !folds[0].Contains(r.Recording)), labels)}, where some recordings are kept out; give more, "
                        + "or keep none out (--held-out 0)");
        }

        List<TrainingRow> fitted = [.. rows.Where(r => !kept.Contains(r.Recording))];
        var (ridge, losses, scores) = Choose(fitted, labels.Length, progress, stop);
        var fit = new HeadFit(fitted, labels.Length, options.IsBalanced);
        var parameters = fit.Zero();
        fit.Fit(parameters, ridge, stop);
        var head = fit.Head(parameters);
        progress?.Invoke(1);

        var firsts = fitted.Where(r => r.IsFirst).ToList();
        var crossValidated = Report(labels, firsts, clips, [.. firsts.Select(r => scores[r.Clip])]);
        var measured = heldOut is null ? rows.Where(r => r.IsFirst && kept.Contains(r.Recording)).ToList()
            : Rows(heldOut, labels).Where(r => r.IsFirst).ToList();
        return new TrainedHead(
            labels, head, Thresholds(labels, firsts, scores), ridge, losses,
            (firsts.Count, firsts.Select(r => r.Recording).Distinct().Count()), crossValidated,
            measured.Count == 0 ? null : Report(labels, measured, heldOut ?? clips, [.. measured.Select(r => head.Scores(r.Features))]));
    }

    private static void Check(IReadOnlyList<EmbeddedClip> clips, string[] labels)
    {
        if (labels.Length == 0)
            throw new InvalidTrainingException("no clip has a label; expected clips with labels, a folder a label or a table");
        if (labels.FirstOrDefault(l => string.IsNullOrWhiteSpace(l)) is not null)
            throw new InvalidTrainingException("a label is empty; expected names");
        if (labels.Length == 1 && clips.All(c => c.Clip.Labels.Contains(labels[0])))
            throw new InvalidTrainingException(
                $"every clip has the label '{labels[0]}': what is not it can't be learnt; give clips of other sounds, labelled nothing");
    }

    private static void RefuseShared(IReadOnlyList<EmbeddedClip> clips, IReadOnlyList<EmbeddedClip> heldOut, string[] labels)
    {
        if (!heldOut.Any(c => c.Clip.Labels.Any(labels.Contains)))
            throw new InvalidTrainingException(
                $"no clip that is kept out has one of the labels that are trained ({string.Join(", ", labels.Take(5))}"
                    + $"{(labels.Length > 5 ? ", …" : "")})");
        var known = clips.ToLookup(c => c.Content, StringComparer.Ordinal);
        var shared = heldOut.Where(c => known.Contains(c.Content)).ToList();
        if (shared.Count > 0)
            throw new InvalidTrainingException(
                $"{shared.Count} clips that are kept out have the sound of clips that are trained on: "
                    + string.Join("; ", shared.Take(3).Select(c => $"{c.Clip.Path} is {known[c.Content].First().Clip.Path}"))
                    + ". Figures on them would say nothing; take them out of one side");
    }

    /// <summary>A row a window, with what is there in its clip.</summary>
    private List<TrainingRow> Rows(IReadOnlyList<EmbeddedClip> clips, string[] labels)
    {
        var index = labels.Index().ToDictionary(l => l.Item, l => l.Index, StringComparer.Ordinal);
        var recordings = Recordings(clips);
        var rows = new List<TrainingRow>();
        for (var i = 0; i < clips.Count; i++)
        {
            int[] targets = [.. clips[i].Clip.Labels.Where(index.ContainsKey).Select(l => index[l]).Distinct().Order()];
            for (var w = 0; w < clips[i].Windows.Count; w++)
                rows.Add(new TrainingRow(
                    norm(clips[i].Windows[w]), targets, 1f / clips[i].Windows.Count, recordings[i], i, w == 0));
        }

        return rows;
    }

    /// <summary>The recording of each clip; those that share a clip's sound are one.</summary>
    private static string[] Recordings(IReadOnlyList<EmbeddedClip> clips)
    {
        var parents = new Dictionary<string, string>(StringComparer.Ordinal);
        string Root(string name)
        {
            while (parents.TryGetValue(name, out var parent) && parent != name)
                name = parent;
            return name;
        }

        foreach (var same in clips.GroupBy(c => c.Content, StringComparer.Ordinal))
        {
            var first = Root(same.First().Clip.Group);
            foreach (var clip in same.Skip(1))
                parents[Root(clip.Clip.Group)] = first;
        }

        return [.. clips.Select(c => Root(c.Clip.Group))];
    }

    /// <summary>The ridge with the least loss on recordings that the heads were not fitted on, and their scores of the clips.</summary>
    private (double Ridge, IReadOnlyList<(double Ridge, double Loss)> Losses, Dictionary<int, float[]> Scores) Choose(
        List<TrainingRow> rows, int classes, Action<double>? progress, CancellationToken stop)
    {
        var most = Enumerable.Range(0, classes).Min(
            c => rows.Where(r => r.Targets.Contains(c)).Select(r => r.Recording).Distinct().Count());
        var folds = Math.Clamp(most, 2, options.Folds);
        var dealt = Deal(rows, folds);
        var losses = new double[options.Ridges.Count];
        var total = rows.Sum(r => (double)r.Weight);
        var scores = options.Ridges.Select(_ => new Dictionary<int, float[]>()).ToArray();
        for (var fold = 0; fold < folds; fold++)
        {
            var fitted = rows.Where(r => dealt[r.Recording] != fold).ToList();
            var other = rows.Where(r => dealt[r.Recording] == fold).ToList();
            if (fitted.Count == 0 || other.Count == 0)
                continue;
            var fit = new HeadFit(fitted, classes, options.IsBalanced);
            var parameters = fit.Zero();
            foreach (var (i, ridge) in options.Ridges.Index()) // each from the one before
            {
                fit.Fit(parameters, ridge, stop);
                var head = fit.Head(parameters);
                losses[i] += fit.LossOf(head, other) * other.Sum(r => r.Weight) / total;
                foreach (var row in other.Where(r => r.IsFirst))
                    scores[i][row.Clip] = head.Scores(row.Features);
                progress?.Invoke((fold + ((i + 1.0) / options.Ridges.Count)) / (folds + 1));
            }
        }

        var best = Array.IndexOf(losses, losses.Min());
        return (options.Ridges[best], [.. options.Ridges.Zip(losses)], scores[best]);
    }

    private static Dictionary<string, int> Deal(List<TrainingRow> rows, int folds) =>
        RecordingFolds.Deal( // what has no label is shared out, too
            rows.Where(r => r.IsFirst).Select(r => (r.Recording, r.Targets.Count > 0 ? r.Targets : [-1])), folds);

    private IReadOnlyList<double> Thresholds(string[] labels, List<TrainingRow> rows, Dictionary<int, float[]> scores)
    {
        const double hours = 1; // a clip's length does not matter: the rules that are taken here do not ask for it
        return [.. labels.Select((_, c) => options.Thresholds.Choose(
            [.. rows.Select(r => (double)scores[r.Clip][c])], [.. rows.Select(r => r.Targets.Contains(c))], hours).Threshold)];
    }

    /// <summary>What is too little to learn from: recordings with a label, or without it; null where there is enough.</summary>
    private static string? Missing(IEnumerable<TrainingRow> rows, string[] labels)
    {
        var recordings = rows.GroupBy(r => r.Recording, StringComparer.Ordinal)
            .Select(g => g.SelectMany(r => r.Targets).ToHashSet()).ToList();
        var few = labels.Index().Select(l => (l.Item, With: recordings.Count(r => r.Contains(l.Index))))
            .Where(l => l.With < FewestRecordings).ToList();
        if (few.Count > 0)
            return $"too little sound of {string.Join(", ", few.Take(10).Select(l => $"'{l.Item}' ({l.With})"))}"
                + $"{(few.Count > 10 ? $" and {few.Count - 10} more" : "")}; expected {FewestRecordings} recordings of a label; 20 are a "
                + "good number";
        return labels.Where((_, c) => recordings.Count(r => !r.Contains(c)) < FewestRecordings).FirstOrDefault() is { } lonely
            ? $"too little sound without '{lonely}'; expected {FewestRecordings} recordings of other sounds, labelled nothing where they "
                + "are none of the labels"
            : null;
    }

    private static ClipReport Report(
        string[] labels, List<TrainingRow> rows, IReadOnlyList<EmbeddedClip> clips, IReadOnlyList<float[]> scores) =>
        new(labels, [.. rows.Select(r => clips[r.Clip].Clip with { Group = r.Recording })], scores);
}
