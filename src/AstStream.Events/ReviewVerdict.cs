namespace AstStream.Events;

/// <summary>What a person found an event to be.</summary>
public enum ReviewVerdict
{
    /// <summary>It is what its label says.</summary>
    Right,

    /// <summary>There is no such sound.</summary>
    Wrong,

    /// <summary>It is another sound, which the review names.</summary>
    OtherLabel,

    /// <summary>The review before is taken back: nobody has said anything of it.</summary>
    Withdrawn,
}
