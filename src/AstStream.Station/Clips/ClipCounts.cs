namespace AstStream.Station.Clips;

/// <summary>What became of clips since the start. Safe for many threads.</summary>
internal sealed class ClipCounts
{
    private readonly long[] _skipped = new long[Enum.GetValues<ClipSkip>().Length];
    private long _written;
    private long _removed;

    /// <summary>Clips that were written.</summary>
    public long Written => Interlocked.Read(ref _written);

    /// <summary>Clips that were removed, as they were old or took too much room.</summary>
    public long Removed => Interlocked.Read(ref _removed);

    /// <summary>Events without a clip, for a reason.</summary>
    public long Skipped(ClipSkip why) => Interlocked.Read(ref _skipped[(int)why]);

    public void Write() => Interlocked.Increment(ref _written);

    public void Remove(long clips) => Interlocked.Add(ref _removed, clips);

    public void Skip(ClipSkip why) => Interlocked.Increment(ref _skipped[(int)why]);
}
