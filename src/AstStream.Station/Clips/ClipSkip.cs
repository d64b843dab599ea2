namespace AstStream.Station.Clips;

/// <summary>Why an event has no clip.</summary>
internal enum ClipSkip
{
    /// <summary>Its sound was not kept any more when it opened.</summary>
    SoundGone,

    /// <summary>Too many clips are open, or too much sound waits for the disk.</summary>
    Busy,

    /// <summary>The disk has less room than is to stay free.</summary>
    DiskFull,

    /// <summary>Writing failed.</summary>
    Failed,
}
