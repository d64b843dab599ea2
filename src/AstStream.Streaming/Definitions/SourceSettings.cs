using AstStream.Streaming.Sources;

namespace AstStream.Streaming.Definitions;

/// <summary>What a definition says of one source, as values of its type.</summary>
public abstract record SourceSettings : ComponentSettings
{
    /// <summary>Whether a model must hear it: what is only passed on to sinks is never done with. false by default.</summary>
    public virtual bool NeedsModel => false;

    /// <summary>Builds the source. Nothing is opened before it runs.</summary>
    /// <param name="pipeline">The whole definition.</param>
    public abstract IAudioSource Build(PipelineDefinition pipeline);
}
