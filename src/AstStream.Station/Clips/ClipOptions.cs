namespace AstStream.Station.Clips;

/// <summary>Which sound is kept, and how.</summary>
internal sealed record ClipOptions
{
    /// <summary>Sound before an event's onset; 3 s by default.</summary>
    public TimeSpan Pre { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Sound after its offset; 3 s by default.</summary>
    public TimeSpan Post { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>The longest clip; 60 s by default.</summary>
    public TimeSpan Max { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>How they are written.</summary>
    public ClipFormat Format { get; init; } = ClipFormat.Flac;

    /// <summary>The score from which a private label counts, where its own threshold is not lower; 0.5 by default.</summary>
    public float PrivateThreshold { get; init; } = 0.5f;

    /// <summary>
    /// How long before what is decided sound is kept for events that may still open: none opens later than this after its onset, less
    /// <see cref="Pre"/>. 17 s.
    /// </summary>
    public TimeSpan Reach { get; init; } = TimeSpan.FromSeconds(17);
}
