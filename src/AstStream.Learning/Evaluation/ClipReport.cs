using AstStream.Learning.Statistics;

namespace AstStream.Learning.Evaluation;

/// <summary>How well a model names clips.</summary>
public sealed class ClipReport
{
    private readonly IReadOnlyList<string> _labels;
    private readonly IReadOnlyList<LabelledClip> _clips;
    private readonly IReadOnlyList<float[]> _scores;
    private readonly int[][] _ranked; // of each clip the classes, the highest score first
    private readonly IReadOnlyList<int> _named; // clips that have one of the classes: the others have nothing to be named

    /// <summary>Compares scores with what is there.</summary>
    /// <param name="labels">The classes of the scores.</param>
    /// <param name="clips">The clips.</param>
    /// <param name="scores">A score a class, of each clip.</param>
    public ClipReport(IReadOnlyList<string> labels, IReadOnlyList<LabelledClip> clips, IReadOnlyList<float[]> scores)
    {
        (_labels, _clips, _scores) = (labels, clips, scores);
        _ranked = [.. scores.Select(s => Enumerable.Range(0, labels.Count).OrderByDescending(i => s[i]).ToArray())];
        _named = [.. Enumerable.Range(0, clips.Count).Where(i => clips[i].Labels.Any(labels.Contains))];
        Classes = [.. labels.Select((label, i) => Measure(label, i)).Where(c => c.Clips > 0)];
        List<IReadOnlyList<int>> groups =
        [
            .. _named.GroupBy(i => clips[i].Group, StringComparer.Ordinal).Select(g => (IReadOnlyList<int>)[.. g]),
        ];
        Groups = clips.Select(c => c.Group).Distinct(StringComparer.Ordinal).Count();
        Confusion = _named.SelectMany(i => clips[i].Labels.Select(l => (There: l, Told: labels[_ranked[i][0]])))
            .GroupBy(p => p).ToDictionary(g => g.Key, g => g.Count());
        Top1 = Within(1, groups);
        Top3 = Within(3, groups);
    }

    /// <summary>Classes of the model: of one alone, top-1 says nothing.</summary>
    public int Labels => _labels.Count;

    /// <summary>Clips.</summary>
    public int Clips => _clips.Count;

    /// <summary>Recordings, or speakers, that they are of.</summary>
    public int Groups { get; }

    /// <summary>The share of clips one of whose labels has the highest score, and its 95 % interval over recordings.</summary>
    public (double Share, double Low, double High) Top1 { get; }

    /// <summary>The share of clips one of whose labels is among the three highest scores, and its interval.</summary>
    public (double Share, double Low, double High) Top3 { get; }

    /// <summary>The classes that are there.</summary>
    public IReadOnlyList<ClassMeasures> Classes { get; }

    /// <summary>How often the clips that have a label have their highest score at one.</summary>
    public IReadOnlyDictionary<(string There, string Told), int> Confusion { get; }

    /// <summary>Mean average precision over the classes (mAP).</summary>
    public double MeanAveragePrecision => Classes.Select(c => c.AveragePrecision).DefaultIfEmpty(double.NaN).Average();

    /// <summary>The mean area under the classes' ROC curves.</summary>
    public double MeanAuc => Classes.Select(c => c.Auc).DefaultIfEmpty(double.NaN).Average();

    /// <summary>d′ of the mean area, as AudioSet's papers give it.</summary>
    public double DPrime => Ranking.DPrime(MeanAuc);

    /// <summary>What it comes to, on these clips, to believe a class from a score on. No number where there is nothing to count.</summary>
    public (double Precision, double Recall) At(string label, double threshold)
    {
        var (_, scores, isTrue) = Column(_labels.Index().First(l => l.Item == label).Index);
        var (told, right) = (scores.Count(s => s >= threshold), scores.Where((s, i) => isTrue[i] && s >= threshold).Count());
        return (right / (double)told, right / (double)isTrue.Count(t => t));
    }

    /// <summary>Chooses a threshold for each class that is there.</summary>
    /// <param name="rule">How.</param>
    /// <param name="hours">Hours of sound in all clips.</param>
    public IReadOnlyList<KeyValuePair<string, ThresholdChoice>> Choose(ThresholdRule rule, double hours) =>
        [.. _labels.Index().Select(l => (l.Item, Column: Column(l.Index))).Where(l => l.Column.IsTrue.Contains(true))
            .Select(l => KeyValuePair.Create(l.Item, rule.Choose(l.Column.Scores, l.Column.IsTrue, hours)))];

    /// <summary>The clips of which it is known whether a class is there; of each its score, and whether it is.</summary>
    private (int[] Clips, double[] Scores, bool[] IsTrue) Column(int index)
    {
        var label = _labels[index];
        int[] clips = [.. Enumerable.Range(0, _clips.Count).Where(i => _clips[i].Judged?.Contains(label) != false)];
        return (clips, [.. clips.Select(i => (double)_scores[i][index])], [.. clips.Select(i => _clips[i].Labels.Contains(label))]);
    }

    private (double, double, double) Within(int k, IReadOnlyList<IReadOnlyList<int>> groups)
    {
        if (_named.Count == 0)
            return (double.NaN, double.NaN, double.NaN);
        double[] hits = [.. _clips.Select((c, i) => _ranked[i].Take(k).Any(l => c.Labels.Contains(_labels[l])) ? 1.0 : 0)];
        var (low, high) = Bootstrap.Interval(groups, items => items.Average(i => hits[i]));
        return (_named.Average(i => hits[i]), low, high);
    }

    private ClassMeasures Measure(string label, int index)
    {
        var (clips, scores, isTrue) = Column(index);
        var there = isTrue.Count(t => t);
        var told = clips.Count(i => _ranked[i][0] == index);
        var right = clips.Where((i, n) => isTrue[n] && _ranked[i][0] == index).Count();
        var others = clips.Where((i, n) => isTrue[n] && !_clips[i].Labels.Contains(_labels[_ranked[i][0]])).GroupBy(i => _ranked[i][0])
            .OrderByDescending(g => g.Count()).ThenBy(g => g.Key).FirstOrDefault();
        return new ClassMeasures(
            label, there, Ranking.AveragePrecision(scores, isTrue), Ranking.RocAuc(scores, isTrue), right / (double)there,
            right / (double)told, others is null ? null : (_labels[others.Key], others.Count()));
    }
}
