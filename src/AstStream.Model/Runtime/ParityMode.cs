namespace AstStream.Model.Runtime;

/// <summary>What happens when a session's scores are not those of the reference.</summary>
public enum ParityMode
{
    /// <summary>The session is refused.</summary>
    Refuse,

    /// <summary>A warning is reported, and the session runs.</summary>
    Warn,

    /// <summary>Nothing is compared.</summary>
    Off,
}
