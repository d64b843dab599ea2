namespace AstStream.Station.Clips;

/// <summary>
/// The scores of a model's last windows of a stream: of each window, those of its likeliest classes. Samples are those of models.
/// </summary>
internal sealed class ScoreHistory
{
    private const int Likeliest = 10; // classes of a window
    private const float Least = 0.05f;
    private const int MostPoints = 600; // of a curve: some for each pixel of a picture

    private readonly Queue<Window> _windows = [];

    /// <summary>Takes a window that was scored.</summary>
    public void Add(long start, long end, ReadOnlySpan<float> scores)
    {
        var likeliest = new List<(int Class, float Score)>(Likeliest + 1);
        for (var c = 0; c < scores.Length; c++)
        {
            if (!(scores[c] >= Least) || (likeliest.Count == Likeliest && scores[c] <= likeliest[^1].Score))
                continue;
            var score = scores[c];
            var at = likeliest.FindIndex(s => s.Score < score);
            likeliest.Insert(at < 0 ? likeliest.Count : at, (c, score));
            if (likeliest.Count > Likeliest)
                likeliest.RemoveAt(Likeliest);
        }

        _windows.Enqueue(new Window(start, end, [.. likeliest]));
    }

    /// <summary>The scores of all classes that were likely in some window that heard an interval, by class.</summary>
    /// <returns>The middles of the windows, ascending; and a score a window, by class.</returns>
    public (IReadOnlyList<long> Middles, IReadOnlyDictionary<int, float[]> Scores) Within(long start, long end)
    {
        var windows = _windows.Where(w => w.Start < end && w.End > start).OrderBy(w => w.Middle).ToList();
        var step = Math.Max(1, (windows.Count + MostPoints - 1) / MostPoints);
        windows = [.. windows.Where((_, i) => i % step == 0)];
        var scores = new Dictionary<int, float[]>();
        for (var i = 0; i < windows.Count; i++)
        {
            foreach (var (index, score) in windows[i].Likeliest)
            {
                if (!scores.TryGetValue(index, out var curve))
                    scores[index] = curve = new float[windows.Count];
                curve[i] = score;
            }
        }

        return ([.. windows.Select(w => w.Middle)], scores);
    }

    /// <summary>Forgets windows that heard nothing from a sample on.</summary>
    public void Trim(long before)
    {
        while (_windows.TryPeek(out var window) && window.End <= before)
            _windows.Dequeue();
    }

    private readonly record struct Window(long Start, long End, (int Class, float Score)[] Likeliest)
    {
        public long Middle => (Start + End) / 2;
    }
}
