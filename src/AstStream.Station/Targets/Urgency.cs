namespace AstStream.Station.Targets;

/// <summary>How loudly a notification asks for attention.</summary>
internal enum Urgency
{
    /// <summary>Without a sound.</summary>
    Low,

    /// <summary>As usual.</summary>
    Normal,

    /// <summary>More than usual.</summary>
    High,

    /// <summary>As loudly as the target can.</summary>
    Urgent,
}
