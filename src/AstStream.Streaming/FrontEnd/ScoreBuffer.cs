namespace AstStream.Streaming.FrontEnd;

/// <summary>What a model says of a window. Used again by one piece after another.</summary>
internal sealed class ScoreBuffer
{
    private float[] _scores = [];
    private int _count;

    /// <summary>All values.</summary>
    public Span<float> All => _scores.AsSpan(0, _count);

    /// <summary>Makes room for values, which are undefined yet.</summary>
    public Span<float> Resize(int count)
    {
        if (_scores.Length < count)
            _scores = GC.AllocateUninitializedArray<float>(count);
        _count = count;
        return All;
    }
}
