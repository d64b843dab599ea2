namespace AstStream.Streaming;

/// <summary>One microphone, one file, one key: a line of time of its own. An object stands for one stream: two with the same name are two streams.</summary>
/// <param name="id">Unique in the pipeline; stands in every event.</param>
/// <param name="source">The source that it comes from, by its name in the pipeline.</param>
/// <param name="startTime">When its first sample was heard, where that is known.</param>
public sealed class StreamInfo(string id, string source, DateTimeOffset? startTime = null)
{
    /// <summary>Unique in the pipeline; stands in every event.</summary>
    public string Id => id;

    /// <summary>The source that it comes from, by its name in the pipeline.</summary>
    public string Source => source;

    /// <summary>When its first sample was heard, where that is known.</summary>
    public DateTimeOffset? StartTime => startTime;

    /// <summary>Which windows go first when the model is short: those of the higher number. The source's, until a source sets another.</summary>
    public int? Priority { get; init; }

    /// <summary>What the source's side knows of it: its lane, and where it stands.</summary>
    internal StreamRoute? Route { get; set; }

    /// <summary>What its lane knows of it. Only the lane touches it.</summary>
    internal StreamFrontEnd? FrontEnd { get; set; }

    /// <inheritdoc/>
    public override string ToString() => id;
}
