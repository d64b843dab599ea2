namespace AstStream.Events.Decoding;

/// <summary>What says when an event begins and ends.</summary>
public enum EventTiming
{
    /// <summary>
    /// What rises above the stream's noise floor says when, to 0.16 s, and windows say what. Sounds that are part of the background get
    /// their times as with <see cref="Contains"/>.
    /// </summary>
    Segment,

    /// <summary>
    /// Windows, taken for what they are: the sound is somewhere in each. An event begins a fifth of a window before the end of the first
    /// one that has it, and ends a fifth after the start of the last.
    /// </summary>
    Contains,

    /// <summary>Windows, each standing for the hop around its middle.</summary>
    Window,
}
