namespace AstStream.Streaming.Definitions;

/// <summary>
/// What a definition says of one source or sink, as values of its type. Reading a definition makes only these; what runs is built of them
/// later.
/// </summary>
public abstract record ComponentSettings
{
    /// <summary>What it needs of the outside world.</summary>
    public virtual IReadOnlyList<Resource> Resources => [];

    /// <summary>Those that it talks to by the network, as far as the definition names them.</summary>
    public virtual IReadOnlyList<Peer> Peers => [];

    /// <summary>What is wrong with it beside the other components, by the key that says it.</summary>
    /// <param name="pipeline">The whole definition.</param>
    public virtual IEnumerable<(Key Key, string Message)> Check(PipelineDefinition pipeline) => [];

    /// <summary>
    /// What it depends on of other components, as a text that is equal where they say the same: where that changes while the pipeline runs,
    /// it is rebuilt, as if its own section had changed.
    /// </summary>
    /// <param name="pipeline">The whole definition.</param>
    public virtual string DependsOn(PipelineDefinition pipeline) => "";
}
