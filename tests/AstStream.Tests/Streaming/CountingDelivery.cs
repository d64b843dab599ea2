using AstStream.Streaming.Sources;

namespace AstStream.Tests.Streaming;

/// <summary>Sees that checkpoints are counted on, whoever makes them.</summary>
internal sealed class CountingDelivery : IDelivery
{
    private readonly HashSet<string> _hashes = new(StringComparer.Ordinal);
    private long _last;

    public void Begin()
    {
        _hashes.Clear();
        (_last, IsOver) = (0, false);
    }

    public bool IsOver { get; private set; }

    public int Hashes => _hashes.Count;

    public LocatedInput Locate(long start, long end) => default;

    public void Complete(StreamCheckpoint checkpoint)
    {
        Assert.Equal(_last + 1, checkpoint.Number);
        Assert.False(IsOver);
        _last = checkpoint.Number;
        IsOver = checkpoint.IsEnd;
        _hashes.Add(System.Text.Encoding.Latin1.GetString(checkpoint.State, 2, 64));
    }
}
