using AstStream.Streaming.Sinks;

namespace AstStream.Streaming.Definitions;

/// <summary>What a definition says of one sink, as values of its type.</summary>
public abstract record SinkSettings : ComponentSettings
{
    /// <summary>The same with the labels that the sink gets spelt out: those of views, and none for all.</summary>
    /// <param name="labels">The labels.</param>
    public virtual SinkSettings WithLabels(IReadOnlyList<string> labels) => this;

    /// <summary>Builds the sink. Nothing is opened before it runs.</summary>
    public abstract ISink Build();
}
