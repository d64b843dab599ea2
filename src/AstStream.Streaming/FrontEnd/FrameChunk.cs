using AstStream.Streaming.Graph;

namespace AstStream.Streaming.FrontEnd;

/// <summary>A few log-mel frames of one stream. Windows overlap and share them; the last one that lets go gives them back.</summary>
internal sealed class FrameChunk : Pooled<FrameChunk>
{
    /// <summary>Frames in one chunk.</summary>
    public const int Frames = 32;

    private float[] _values = [];
    private int _holders;
    private int _bins;

    /// <summary>Takes a chunk, held once.</summary>
    public static FrameChunk Rent(int bins)
    {
        var chunk = RentAny();
        if (chunk._values.Length < Frames * bins)
            chunk._values = GC.AllocateUninitializedArray<float>(Frames * bins);
        chunk._bins = bins;
        chunk._holders = 1;
        return chunk;
    }

    /// <summary>Frames from a given one on.</summary>
    public Span<float> From(int frame) => _values.AsSpan(frame * _bins, (Frames - frame) * _bins);

    /// <summary>One more holds it.</summary>
    public void Hold() => Interlocked.Increment(ref _holders);

    /// <summary>One holder lets go.</summary>
    public void Release()
    {
        if (Interlocked.Decrement(ref _holders) == 0)
            Return();
    }

    protected override void Clear()
    {
    }
}
