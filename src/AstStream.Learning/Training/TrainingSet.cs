using AstStream.Learning.Evaluation;

namespace AstStream.Learning.Training;

/// <summary>
/// Labelled clips as a training takes them: their labels as classes, and the recordings that they are of. Clips with the same sound
/// count as one recording, whatever they are called.
/// </summary>
public sealed class TrainingSet
{
    /// <summary>Of a label: one to fit on, one to choose by.</summary>
    public const int FewestRecordings = 2;

    private readonly IReadOnlyList<(LabelledClip Clip, string Content)> _clips;
    private readonly HashSet<string> _known; // labels that people judged of events, and the base has

    /// <summary>Sorts clips.</summary>
    /// <param name="clips">The clips, and what the sound of each is known by.</param>
    /// <param name="labels">The labels; null for all that the clips have, but for those that stand for nothing.</param>
    /// <param name="nothing">Labels that stand for nothing.</param>
    /// <param name="known">Labels that a base has, which can be learnt from a few judged clips; null for none.</param>
    /// <exception cref="InvalidTrainingException">There are no labels, or one alone that every clip has.</exception>
    public TrainingSet(
        IEnumerable<(LabelledClip Clip, string Content)> clips, IReadOnlyList<string> nothing, IReadOnlyList<string>? labels = null,
        IReadOnlyList<string>? known = null)
    {
        _clips = [.. clips];
        _known = [.. _clips.SelectMany(c => c.Clip.Judged ?? []).Intersect(known ?? [], StringComparer.Ordinal)];
        Labels = labels ?? Named(nothing);
        var index = Labels.Index().ToDictionary(l => l.Item, l => l.Index, StringComparer.Ordinal);
        Targets = [.. _clips.Select(
            c => (int[])[.. c.Clip.Labels.Where(index.ContainsKey).Select(l => index[l]).Distinct().Order()])];
        Judged = [.. _clips.Select(
            c => c.Clip.Judged?.Where(index.ContainsKey).Select(l => index[l]).Distinct().Order().ToArray())];
        Recordings = Joined();
    }

    /// <summary>The classes.</summary>
    public IReadOnlyList<string> Labels { get; }

    /// <summary>Of each clip the classes that are there; none for nothing.</summary>
    public IReadOnlyList<int[]> Targets { get; }

    /// <summary>Of each clip the classes of which somebody said whether they are there; null for all of them.</summary>
    public IReadOnlyList<int[]?> Judged { get; }

    /// <summary>The recording of each clip.</summary>
    public IReadOnlyList<string> Recordings { get; }

    /// <summary>Clips.</summary>
    public int Count => _clips.Count;

    /// <summary>Whether the base has a label, and people judged it: then a few events are enough, and need not be right ones.</summary>
    public bool IsKnown(string label) => _known.Contains(label);

    /// <summary>A clip, with its recording as its group.</summary>
    public LabelledClip Clip(int i) => _clips[i].Clip with { Group = Recordings[i] };

    /// <summary>Refuses a set in which there is too little to learn from.</summary>
    /// <exception cref="InvalidTrainingException">There is.</exception>
    public void Check()
    {
        if (Missing([]) is { } few)
            throw new InvalidTrainingException(few);
    }

    /// <summary>Refuses clips to measure on that have none of the labels, or the sound of a clip that is trained on.</summary>
    /// <exception cref="InvalidTrainingException">They are such.</exception>
    public void RefuseShared(TrainingSet heldOut)
    {
        if (heldOut.Targets.All(t => t.Length == 0))
            throw new InvalidTrainingException(
                $"no clip that is kept out has one of the labels that are trained ({string.Join(", ", Labels.Take(5))}"
                    + $"{(Labels.Count > 5 ? ", …" : "")})");
        var known = _clips.ToLookup(c => c.Content, StringComparer.Ordinal);
        var shared = heldOut._clips.Where(c => known.Contains(c.Content)).ToList();
        if (shared.Count > 0)
            throw new InvalidTrainingException(
                $"{shared.Count} clips that are kept out have the sound of clips that are trained on: "
                    + string.Join("; ", shared.Take(3).Select(c => $"{c.Clip.Name} is {known[c.Content].First().Clip.Name}"))
                    + ". Figures on them would say nothing; take them out of one side");
    }

    /// <summary>
    /// Recordings to keep out: of the folds that leave enough of every label the one with most of the labels in it, the smallest of these.
    /// </summary>
    /// <param name="share">The share of the recordings, above 0 to 0.5.</param>
    /// <param name="already">Recordings that are out already.</param>
    /// <param name="flag">What says the share, for messages.</param>
    /// <exception cref="InvalidTrainingException">No fold leaves enough.</exception>
    public IReadOnlySet<string> KeepOut(double share, IReadOnlySet<string> already, string flag)
    {
        List<int> rest = [.. Enumerable.Range(0, Count).Where(i => !already.Contains(Recordings[i]))];
        var recordings = rest.Select(i => Recordings[i]).Distinct().Count();
        var folds = Deal(rest, Math.Clamp((int)Math.Round(1 / share), 2, Math.Max(2, recordings))).GroupBy(f => f.Value)
            .Select(g => g.Select(f => f.Key).ToHashSet(StringComparer.Ordinal))
            .OrderByDescending(g => rest.Where(i => g.Contains(Recordings[i])).SelectMany(i => Targets[i]).Distinct().Count())
            .ThenBy(g => rest.Count(i => g.Contains(Recordings[i]))).ToList();
        return folds.Find(g => Missing([.. g, .. already]) is null)
            ?? throw new InvalidTrainingException(
                $"{Missing([.. folds[0], .. already])}, where some recordings are kept out; give more, or keep none out ({flag} 0)");
    }

    /// <summary>The fold of each recording of some clips.</summary>
    public Dictionary<string, int> Deal(IEnumerable<int> clips, int folds) =>
        RecordingFolds.Deal( // what has no label is shared out, too
            clips.Select(i => (Recordings[i], (IReadOnlyList<int>)(Targets[i].Length > 0 ? Targets[i] : [-1]))), folds);

    /// <summary>What is too little to learn from: recordings with a label, or without it; null where there is enough.</summary>
    private string? Missing(HashSet<string> without)
    {
        var recordings = Enumerable.Range(0, Count).Where(i => !without.Contains(Recordings[i]))
            .GroupBy(i => Recordings[i], i => Targets[i], StringComparer.Ordinal).Select(g => g.ToList()).ToList();
        if (recordings.Count < FewestRecordings)
            return $"{(recordings.Count == 0 ? "no recording" : "one recording alone")} to learn from; expected {FewestRecordings} or more "
                + "(of a station these are a stream's days)";
        var few = Labels.Index().Select(l => (l.Item, With: recordings.Count(r => r.Exists(t => t.Contains(l.Index)))))
            .Where(l => l.With < FewestRecordings && !IsKnown(l.Item)).ToList();
        if (few.Count > 0)
            return $"too little sound of {string.Join(", ", few.Take(10).Select(l => $"'{l.Item}' ({l.With})"))}"
                + $"{(few.Count > 10 ? $" and {few.Count - 10} more" : "")}; expected {FewestRecordings} recordings of a label; 20 are a "
                + "good number. --label NAME, for each of the others, leaves it out";
        bool IsLonely(int c) => recordings.Count(r => r.Exists(t => !t.Contains(c))) < FewestRecordings;
        return Labels.Where((label, c) => !IsKnown(label) && IsLonely(c)).FirstOrDefault() is { } lonely
            ? $"too little sound without '{lonely}'; expected {FewestRecordings} recordings of other sounds, labelled nothing where they "
                + "are none of the labels"
            : null;
    }

    private string[] Named(IReadOnlyList<string> nothing)
    {
        string[] labels =
        [
            .. _clips.SelectMany(c => c.Clip.Labels).Concat(_known).Distinct()
                .Where(l => !nothing.Contains(l, StringComparer.OrdinalIgnoreCase)).Order(StringComparer.Ordinal),
        ];
        if (labels.Length == 0)
            throw new InvalidTrainingException("no clip has a label; expected clips with labels, a folder a label or a table");
        if (labels.FirstOrDefault(l => string.IsNullOrWhiteSpace(l)) is not null)
            throw new InvalidTrainingException("a label is empty; expected names");
        return labels.Length > 1 || IsKnown(labels[0]) || !_clips.All(c => c.Clip.Labels.Contains(labels[0])) ? labels
            : throw new InvalidTrainingException(
                $"every clip has the label '{labels[0]}': what is not it can't be learnt; give clips of other sounds, labelled nothing");
    }

    /// <summary>The recording of each clip; those that share a clip's sound are one.</summary>
    private string[] Joined()
    {
        var parents = new Dictionary<string, string>(StringComparer.Ordinal);
        string Root(string name)
        {
            while (parents.TryGetValue(name, out var parent) && parent != name)
                name = parent;
            return name;
        }

        foreach (var same in _clips.GroupBy(c => c.Content, StringComparer.Ordinal))
        {
            var first = Root(same.First().Clip.Group);
            foreach (var (clip, _) in same.Skip(1))
                parents[Root(clip.Group)] = first;
        }

        return [.. _clips.Select(c => Root(c.Clip.Group))];
    }
}
