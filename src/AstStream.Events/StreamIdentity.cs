namespace AstStream.Events;

/// <summary>
/// One microphone, one file, one Kafka key: a line of time of its own. An object stands for one stream: two with the same name are two
/// streams.
/// </summary>
/// <param name="id">Unique in the pipeline; stands in every record.</param>
/// <param name="source">The source that it comes from, by its name in the pipeline.</param>
/// <param name="startTime">When its first sample was heard, where that is known.</param>
public class StreamIdentity(string id, string source, DateTimeOffset? startTime = null)
{
    /// <summary>Unique in the pipeline; stands in every record.</summary>
    public string Id => id;

    /// <summary>The source that it comes from, by its name in the pipeline.</summary>
    public string Source => source;

    /// <summary>When its first sample was heard, where that is known.</summary>
    public DateTimeOffset? StartTime => startTime;

    /// <summary>The topic and partition that it is read from; null where it comes from elsewhere.</summary>
    public InputPartition? Partition { get; init; }

    /// <summary>Whether its times are to be relied on; true unless somebody knows better.</summary>
    public virtual bool IsClockGood => true;

    /// <summary>When a place in the stream was heard; null where its start is not known.</summary>
    /// <param name="seconds">Seconds from the stream's start, by samples.</param>
    public virtual DateTimeOffset? TimeAt(double seconds) =>
        startTime + TimeSpan.FromTicks((long)Math.Round(seconds * TimeSpan.TicksPerSecond));

    /// <inheritdoc/>
    public override string ToString() => id;
}
