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
        IReadOnlyList<EmbeddedClip> clips, IReadOnlyList<EmbeddedClip>? heldOut, IProgress<double>? progress, CancellationToken stop)
    {
        string[] labels =
        [
            .. clips.SelectMany(c => c.Clip.Labels).Except(options.Nothing, StringComparer.Ordinal).Order(StringComparer.Ordinal),
        ];
        Check(clips, labels);
        if (heldOut is not null)
            RefuseShared(clips, heldOut);
        var rows = Rows(clips, labels);
        var kept = new HashSet<string>(StringComparer.Ordinal); // recordings that are measured on
        if (heldOut is null && options.HeldOut > 0)
        {
            var folds = Deal(rows, (int)Math.Round(1 / options.HeldOut));
            kept.UnionWith(folds.Where(f => f.Value == 0).Select(f => f.Key));
            if (Missing(rows.Where(r => !kept.Contains(r.Recording)), labels) is { } missing)
                throw new InvalidTrainingException(
                    $"label '{missing}' has too few recordings to keep some out; give more, or keep none out (--held-out 0)");
        }

        List<TrainingRow> fitted = [.. rows.Where(r => !kept.Contains(r.Recording))];
        var (ridge, losses, scores) = Choose(fitted, labels.Length, progress, stop);
        var fit = new HeadFit(fitted, labels.Length, options.IsBalanced);
        var parameters = fit.Zero();
        fit.Fit(parameters, ridge, stop);
        var head = fit.Head(parameters);
        progress?.Report(1);

        var firsts = fitted.Where(r => r.IsFirst).ToList();
        var crossValidated = Report(labels, firsts, clips, [.. firsts.Select(r => scores[r.Clip])]);
        var measured = heldOut is null ? rows.Where(r => r.IsFirst && kept.Contains(r.Recording)).ToList()
            : Rows(heldOut, labels).Where(r => r.IsFirst).ToList();
        if (heldOut is not null && measured.All(r => r.Targets.Count == 0))
            throw new InvalidTrainingException(
                $"no clip that is kept out has one of the labels that are trained ({string.Join(", ", labels.Take(5))}"
                    + $"{(labels.Length > 5 ? ", …" : "")})");
        return new TrainedHead(
            labels, head, Thresholds(labels, firsts, scores), ridge, losses,
            (firsts.Count, firsts.Select(r => r.Recording).Distinct().Count()), crossValidated,
            measured.Count == 0 ? null : Report(labels, measured, heldOut ?? clips, [.. measured.Select(r => head.Scores(r.Features))]));
    }

    private static void Check(IReadOnlyList<EmbeddedClip> clips, string[] labels)
    {
        if (labels.Length == 0)
            throw new InvalidTrainingException("no clip has a label; expected clips with labels, a folder a label or a table");
        if (labels.Length == 1 && clips.All(c => c.Clip.Labels.Contains(labels[0])))
            throw new InvalidTrainingException(
                $"every clip has the label '{labels[0]}': what is not it can't be learnt; give clips of other sounds, labelled nothing");
        var few = labels.Select(l => (Label: l, Recordings: clips.Where(c => c.Clip.Labels.Contains(l)).Select(c => c.Content)
            .Distinct().Count())).Where(l => l.Recordings < FewestRecordings).ToList();
        if (few.Count > 0)
            throw new InvalidTrainingException(
                $"too little sound of {string.Join(", ", few.Take(10).Select(l => $"'{l.Label}' ({l.Recordings})"))}"
                    + $"{(few.Count > 10 ? $" and {few.Count - 10} more" : "")}; expected {FewestRecordings} clips of a label, of "
                    + "different recordings; 20 are a good number");
    }

    private static void RefuseShared(IReadOnlyList<EmbeddedClip> clips, IReadOnlyList<EmbeddedClip> heldOut)
    {
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
        List<TrainingRow> rows, int classes, IProgress<double>? progress, CancellationToken stop)
    {
        var most = Enumerable.Range(0, classes).Min(
            c => rows.Where(r => r.Targets.Contains(c)).Select(r => r.Recording).Distinct().Count());
        var folds = Math.Clamp(most, 2, options.Folds);
        var dealt = Deal(rows, folds);
        var losses = new double[options.Ridges.Count];
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
                losses[i] += fit.LossOf(head, other) * other.Count / rows.Count;
                foreach (var row in other.Where(r => r.IsFirst))
                    scores[i][row.Clip] = head.Scores(row.Features);
                progress?.Report((fold + ((i + 1.0) / options.Ridges.Count)) / (folds + 1));
            }
        }

        var best = Array.IndexOf(losses, losses.Min());
        return (options.Ridges[best], [.. options.Ridges.Zip(losses)], scores[best]);
    }

    private static Dictionary<string, int> Deal(List<TrainingRow> rows, int folds) =>
        RecordingFolds.Deal(rows.Where(r => r.IsFirst).Select(r => (r.Recording, r.Targets)), folds);

    private IReadOnlyList<double> Thresholds(string[] labels, List<TrainingRow> rows, Dictionary<int, float[]> scores)
    {
        var hours = rows.Count / 3600.0; // a clip's length does not matter: F1 and precision do not ask for it
        return [.. labels.Select((_, c) => options.Thresholds.Choose(
            [.. rows.Select(r => (double)scores[r.Clip][c])], [.. rows.Select(r => r.Targets.Contains(c))], hours).Threshold)];
    }

    private static string? Missing(IEnumerable<TrainingRow> rows, string[] labels)
    {
        var recordings = rows.SelectMany(r => r.Targets.Select(t => (Label: t, r.Recording))).Distinct().CountBy(r => r.Label)
            .ToDictionary(r => r.Key, r => r.Value);
        return labels.Where((_, c) => recordings.GetValueOrDefault(c) < FewestRecordings).FirstOrDefault();
    }

    private static ClipReport Report(
        string[] labels, List<TrainingRow> rows, IReadOnlyList<EmbeddedClip> clips, IReadOnlyList<float[]> scores)
    {
        // A clip of nothing has no label to name.
        var named = rows.Index().Where(r => r.Item.Targets.Count > 0).ToList();
        return new ClipReport(
            labels, [.. named.Select(r => clips[r.Item.Clip].Clip with { Group = r.Item.Recording })],
            [.. named.Select(r => scores[r.Index])]);
    }
}
