using AstStream.Streaming.Definitions;

namespace AstStream.Station.Targets;

/// <summary>What a definition says of one target, as values of its type.</summary>
internal abstract record TargetSettings
{
    /// <summary>Whom it talks to; null for nobody on the network.</summary>
    public virtual Peer? Peer => null;

    /// <summary>Makes the target. It connects to nothing before it sends.</summary>
    public abstract INoticeTarget Build(TimeProvider time);
}
