namespace AstStream.Streaming.FrontEnd;

/// <summary>The log-mel frames of a window: a run of frames in chunks that it holds. Used again by one piece after another.</summary>
internal sealed class WindowFrames
{
    private readonly List<FrameChunk> _chunks = [];
    private int _offset; // of the first frame in the first chunk
    private int _bins;

    /// <summary>The window's first sample.</summary>
    public long Start { get; private set; }

    /// <summary>Samples from this window's start to the next one's; 0 where there is no window.</summary>
    public int Hop { get; private set; }

    /// <summary>Frames that hold sound; the rest of the model's input is padding.</summary>
    public int Count { get; private set; }

    /// <summary>There is no window, but an interval that begins here.</summary>
    public void Clear(long start) => (Start, Hop, Count) = (start, 0, 0);

    /// <summary>Takes frames, which it holds from here on.</summary>
    public void Take(List<FrameChunk> chunks, int first, int count, int bins, long start, int hop)
    {
        (Start, Hop, Count, _bins) = (start, hop, count, bins);
        _offset = first % FrameChunk.Frames;
        for (var i = first / FrameChunk.Frames; i * FrameChunk.Frames < first + count; i++)
        {
            chunks[i].Hold();
            _chunks.Add(chunks[i]);
        }
    }

    /// <summary>Writes the frames, padded after with 0.0 as the feature extractor pads before it normalises.</summary>
    public void CopyTo(Span<float> features)
    {
        var rest = Count * _bins;
        features[rest..].Clear();
        var offset = _offset;
        foreach (var chunk in _chunks)
        {
            var part = chunk.From(offset);
            part = part[..Math.Min(rest, part.Length)];
            part.CopyTo(features);
            features = features[part.Length..];
            rest -= part.Length;
            offset = 0;
        }
    }

    /// <summary>Lets go of the frames: they were copied, or nobody will.</summary>
    public void Release()
    {
        foreach (var chunk in _chunks)
            chunk.Release();
        _chunks.Clear();
    }
}
