namespace AstStream.Events;

/// <summary>What a live source is like. The names of metrics and records are these in lower case.</summary>
public enum SourceState
{
    /// <summary>It is being opened for the first time.</summary>
    Starting,

    /// <summary>Sound comes.</summary>
    Running,

    /// <summary>Sound comes, and every sample of it has been exactly zero for a while: a dead channel, a muted device.</summary>
    Silent,

    /// <summary>It is open, and nothing comes.</summary>
    Stalled,

    /// <summary>It is gone, and looked for.</summary>
    Away,

    /// <summary>It has failed for good.</summary>
    Failed,
}
