namespace AstStream.Events;

/// <summary>Something that sinks can publish.</summary>
/// <param name="Stream">The stream that it is about.</param>
/// <param name="Model">The model that heard, or did not hear, by its name in the pipeline.</param>
public abstract record StreamRecord(StreamIdentity Stream, string Model)
{
    /// <summary>The number of the first checkpoint of its stream and model after it; 0 where nobody asks for checkpoints.</summary>
    public long Checkpoint { get; init; }

    /// <summary>Whether it is of a model that scores in the shadow of another one: it is published nowhere.</summary>
    public bool IsShadow { get; init; }

    /// <summary>When the sound that decided it was there, by the clock's timestamps; 0 where that is not measured.</summary>
    internal long Captured { get; init; }
}
