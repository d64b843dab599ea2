namespace AstStream.Streaming.Sources;

/// <summary>What the source's side knows of a stream.</summary>
internal sealed class StreamRoute(LaneInput lane, int sampleRate, int priority)
{
    public LaneInput Lane => lane;

    /// <summary>How much it matters; more is more.</summary>
    public int Priority => priority;

    public int SampleRate { get; set; } = sampleRate;

    /// <summary>The sample after the last one that was passed on or dropped.</summary>
    public long Position { get; set; }

    /// <summary>Whether samples before the position were dropped and the lane does not know yet.</summary>
    public bool HasDropped { get; set; }

    /// <summary>When it was last left out of a busy lane, by the clock's timestamps; null for never.</summary>
    public long? LeftOut { get; set; }
}
