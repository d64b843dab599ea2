using AstStream.Model.Runtime;

namespace AstStream.Learning;

/// <summary>Gathers clips and scores them in batches. For one caller at a time.</summary>
/// <typeparam name="T">What the caller knows a clip by.</typeparam>
/// <param name="session">The model; nobody else uses its first slot meanwhile.</param>
/// <param name="scored">Gets each clip's logits, in the order in which clips were added.</param>
public sealed class ClipBatch<T>(AstSession session, Action<T, ReadOnlySpan<float>> scored)
{
    private readonly List<T> _rows = [];

    /// <summary>Adds a clip of at most a window; a full batch is scored.</summary>
    public void Add(T key, Clip clip)
    {
        ClipFeatures.Fill(clip.Frames, session.Input(_rows.Count));
        _rows.Add(key);
        if (_rows.Count == session.MaxBatch)
            Flush();
    }

    /// <summary>Scores what is at hand.</summary>
    public void Flush()
    {
        if (_rows.Count == 0)
            return;
        session.Run(_rows.Count);
        for (var row = 0; row < _rows.Count; row++)
            scored(_rows[row], session.Logits(row));
        _rows.Clear();
    }
}
