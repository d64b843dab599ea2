namespace AstStream.Events.Decoding;

/// <summary>
/// Which of the classes that sound at a time make events: none that is far more clearly something else; of classes above one another the
/// lowest, and of classes that mean one sound the one that is under way, else the surest.
/// </summary>
internal sealed class ClassChoice(int classes)
{
    private const float FarMore = 5; // times the odds
    private const float Certain = 0.8f; // the least score of what rules others out

    private readonly bool[] _isCovered = new bool[classes];
    private readonly List<(int Label, float Surety)> _sounding = [];

    /// <summary>Whether one class may stand for another: it is below it, or means the same.</summary>
    public static bool StandsFor(int label, int other, EventOptions options) =>
        (options.Ancestors.Count > 0 && options.Ancestors[label].Contains(other))
        || (options.Related.Count > 0 && options.Related[label].Contains(other));

    /// <summary>Whether another class stands for this one, or rules it out.</summary>
    public bool IsCovered(int label) => _isCovered[label];

    /// <summary>Begins with another time, at which nothing sounds.</summary>
    public void Clear()
    {
        _isCovered.AsSpan().Clear();
        _sounding.Clear();
    }

    /// <summary>A class sounds.</summary>
    /// <param name="label">The class.</param>
    /// <param name="score">Its score, 0 to 1.</param>
    /// <param name="isUnderWay">Whether its event is.</param>
    /// <param name="options">What relates to what, and thresholds.</param>
    public void Add(int label, float score, bool isUnderWay, EventOptions options)
    {
        if (options.Ancestors.Count > 0 || options.Related.Count > 0 || options.Rivals.Count > 0)
            _sounding.Add((label, isUnderWay ? float.PositiveInfinity : score / Math.Max(options.Thresholds[label], float.Epsilon)));
    }

    /// <summary>All that sounds was added: chooses.</summary>
    /// <param name="scores">What rules classes out: the scores of all of them, or none where nothing does.</param>
    /// <param name="options">What relates to what.</param>
    public void Decide(ReadOnlySpan<float> scores, EventOptions options)
    {
        if (options.Rivals.Count > 0 && !scores.IsEmpty)
            RuleOut(scores, options);
        if (_sounding.Count < 2)
            return;
        foreach (var (label, _) in _sounding)
            Cover(options.Ancestors, label);
        _sounding.Sort(static (a, b) => a.Surety != b.Surety ? b.Surety.CompareTo(a.Surety) : a.Label - b.Label);
        foreach (var (label, _) in _sounding)
        {
            if (!_isCovered[label])
                Cover(options.Related, label);
        }
    }

    private void RuleOut(ReadOnlySpan<float> scores, EventOptions options)
    {
        for (var i = _sounding.Count - 1; i >= 0; i--)
        {
            var label = _sounding[i].Label;
            if (!HasRival(scores, label, options.Rivals[label]))
                continue;
            _isCovered[label] = true;
            _sounding.RemoveAt(i);
        }
    }

    private static bool HasRival(ReadOnlySpan<float> scores, int label, IReadOnlyList<int> rivals)
    {
        var own = scores[label];
        for (var i = 0; i < rivals.Count; i++)
        {
            var rival = scores[rivals[i]];
            if (rival >= Certain && rival * (1 - own) > FarMore * own * (1 - rival))
                return true;
        }

        return false;
    }

    private void Cover(IReadOnlyList<IReadOnlyList<int>> others, int label)
    {
        if (others.Count == 0)
            return;
        foreach (var other in others[label])
            _isCovered[other] = true;
    }
}
