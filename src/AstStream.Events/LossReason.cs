namespace AstStream.Events;

/// <summary>Why an interval was lost. The names of metrics and records are these in snake_case.</summary>
public enum LossReason
{
    /// <summary>It was not lost.</summary>
    None,

    /// <summary>More windows came than the model can score; the oldest ones were dropped.</summary>
    Overload,

    /// <summary>Blocks came faster than the front end could take them.</summary>
    Overrun,

    /// <summary>Samples are missing in the input.</summary>
    Gap,

    /// <summary>The device, or the connection to it, was away.</summary>
    DeviceAway,

    /// <summary>The device or the connection was there, but no sound came.</summary>
    Stalled,

    /// <summary>The input could not be decoded.</summary>
    DecodeError,

    /// <summary>A piece between two breaks that is shorter than one frame of 25 ms.</summary>
    TooShort,

    /// <summary>The stream broke its own rules, or its source failed.</summary>
    Fault,
}
