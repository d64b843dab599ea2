using AstStream.Dsp;

namespace AstStream.Station.Clips;

/// <summary>
/// The last sound of one stream, packed, as 16-bit samples of its own rate; what is asked for and not there is silence. For one thread at a
/// time.
/// </summary>
/// <param name="memory">Where it is kept. When that is full, the stream's oldest sound goes.</param>
internal sealed class SoundRing(SoundMemory memory)
{
    private const int Chunk = 8192; // samples that are packed together

    [ThreadStatic]
    private static byte[]? t_packed;

    [ThreadStatic]
    private static short[]? t_unpacked;

    private readonly Queue<Part> _parts = [];
    private readonly short[] _tail = new short[Chunk]; // what is not packed yet
    private int _inTail;

    /// <summary>The first sample that it has; where it has none, the one that comes next.</summary>
    public long Start => _parts.TryPeek(out var first) ? first.Start : End - _inTail;

    /// <summary>The sample after the last one.</summary>
    public long End { get; private set; }

    /// <summary>Samples that found no room, or made room before they were asked to.</summary>
    public long Dropped { get; private set; }

    /// <summary>Adds sound that begins at a sample, not before what is there.</summary>
    public void Add(long start, ReadOnlySpan<float> samples)
    {
        if (start != End)
        {
            Pack();
            End = start;
        }

        while (!samples.IsEmpty)
        {
            var count = Math.Min(samples.Length, Chunk - _inTail);
            WavWriter.ToPcm16(samples[..count], _tail.AsSpan(_inTail));
            (_inTail, End) = (_inTail + count, End + count);
            samples = samples[count..];
            if (_inTail == Chunk)
                Pack();
        }
    }

    /// <summary>Fills a span with the sound from a sample on; returns how many of its samples are there.</summary>
    public int Read(long start, Span<short> samples)
    {
        samples.Clear();
        var found = 0;
        foreach (var part in _parts)
        {
            if (part.Start + part.Count <= start || part.Start >= start + samples.Length)
                continue;
            var unpacked = (t_unpacked ??= new short[Chunk]).AsSpan(0, part.Count);
            Unpack(part, unpacked);
            found += Copy(unpacked, part.Start, start, samples);
        }

        return found + Copy(_tail.AsSpan(0, _inTail), End - _inTail, start, samples);
    }

    /// <summary>Lets go of whole parts that end before a sample.</summary>
    public void Trim(long before)
    {
        while (_parts.TryPeek(out var first) && first.Start + first.Count <= before)
            Drop();
    }

    /// <summary>Lets go of all of it, and goes on at a sample, which may be before those that it had: they are counted anew.</summary>
    public void Begin(long start)
    {
        Clear();
        End = start;
    }

    /// <summary>Lets go of all of it.</summary>
    public void Clear()
    {
        Trim(long.MaxValue);
        _inTail = 0;
    }

    private static int Copy(ReadOnlySpan<short> from, long at, long start, Span<short> to)
    {
        var (first, last) = (Math.Max(at, start), Math.Min(at + from.Length, start + to.Length));
        if (last <= first)
            return 0;
        from[(int)(first - at)..(int)(last - at)].CopyTo(to[(int)(first - start)..]);
        return (int)(last - first);
    }

    private void Pack()
    {
        if (_inTail == 0)
            return;
        var packed = t_packed ??= new byte[PackedPcm.MaxBytes(Chunk)];
        var length = PackedPcm.Pack(_tail.AsSpan(0, _inTail), packed);
        var blocks = new int[(length + SoundMemory.BlockBytes - 1) / SoundMemory.BlockBytes];
        bool isThere;
        while (!(isThere = memory.TryRent(blocks)) && _parts.TryPeek(out var oldest))
        {
            Dropped += oldest.Count;
            Drop();
        }

        if (isThere)
        {
            for (var i = 0; i < blocks.Length; i++)
                packed.AsSpan(i * SoundMemory.BlockBytes, Math.Min(SoundMemory.BlockBytes, length - (i * SoundMemory.BlockBytes)))
                    .CopyTo(memory.Of(blocks[i]));
            _parts.Enqueue(new Part(End - _inTail, _inTail, length, blocks));
        }
        else
        {
            Dropped += _inTail;
        }

        _inTail = 0;
    }

    private void Unpack(Part part, Span<short> samples)
    {
        var packed = (t_packed ??= new byte[PackedPcm.MaxBytes(Chunk)]).AsSpan(0, part.Length);
        for (var i = 0; i < part.Blocks.Length; i++)
        {
            var at = i * SoundMemory.BlockBytes;
            memory.Of(part.Blocks[i])[..Math.Min(SoundMemory.BlockBytes, part.Length - at)].CopyTo(packed[at..]);
        }

        PackedPcm.Unpack(packed, samples);
    }

    private void Drop() => memory.Return(_parts.Dequeue().Blocks);

    private readonly record struct Part(long Start, int Count, int Length, int[] Blocks);
}
