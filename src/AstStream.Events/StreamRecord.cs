namespace AstStream.Events;

/// <summary>Something that sinks can publish.</summary>
/// <param name="Stream">The stream that it is about.</param>
/// <param name="Model">The model that heard, or did not hear, by its name in the pipeline.</param>
public abstract record StreamRecord(StreamIdentity Stream, string Model)
{
    /// <summary>The number of the first checkpoint of its stream and model after it; 0 where nobody asks for checkpoints.</summary>
    public long Checkpoint { get; init; }

    /// <summary>
    /// The hash of the model in whose shadow the one that it is of scores: it is published nowhere. Null for a model that reports.
    /// </summary>
    public string? ShadowOf { get; init; }

    /// <summary>When the sound that decided it was there, by the clock's timestamps; 0 where that is not measured.</summary>
    internal long Captured { get; init; }
}
