namespace AstStream.Events.Decoding;

/// <summary>How far a part of an activity is known.</summary>
public enum ActivityProgress
{
    /// <summary>It goes on.</summary>
    Early,

    /// <summary>It is as long as a part may be, and another one follows.</summary>
    Whole,

    /// <summary>The activity is over.</summary>
    Over,
}
