namespace AstStream.Streaming.Definitions;

/// <summary>What a definition says in a section of its own. It stands for a sink: with it, a pipeline needs no other one.</summary>
public abstract record SectionSettings
{
    /// <summary>What it needs of the outside world.</summary>
    public virtual IReadOnlyList<Resource> Resources => [];

    /// <summary>Those that it talks to by the network, as far as the definition names them.</summary>
    public virtual IReadOnlyList<Peer> Peers => [];

    /// <summary>What is wrong with it beside the rest of the definition, by the key that says it.</summary>
    /// <param name="pipeline">The whole definition.</param>
    public virtual IEnumerable<(Key Key, string Message)> Check(PipelineDefinition pipeline) => [];

    /// <summary>The labels, or views, that it names: each must be one of a model's.</summary>
    public virtual IReadOnlyList<LabelClaim> Labels => [];
}
