namespace AstStream.Connectors.Capture;

/// <summary>How the sound that comes next joins what came before.</summary>
internal enum Joint
{
    /// <summary>It goes on, as far as the clock says nothing else.</summary>
    Joined,

    /// <summary>It does not, whatever the clock says.</summary>
    Broken,

    /// <summary>It does not, and may have been heard, or counted as lost, before.</summary>
    Overlapping,
}
