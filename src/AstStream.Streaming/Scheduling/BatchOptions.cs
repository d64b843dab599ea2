namespace AstStream.Streaming.Scheduling;

/// <summary>How windows are batched.</summary>
public sealed record BatchOptions
{
    /// <summary>How long a window may wait for others to fill its batch; none by default.</summary>
    public TimeSpan MaxQueueDelay { get; init; }

    /// <summary>
    /// A live stream's window whose last sample is older than this is not scored any more; null, the default, for 10 s or three times the
    /// largest batch's time, whichever is longer.
    /// </summary>
    public TimeSpan? MaxAge { get; init; }
}
