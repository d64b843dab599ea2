using AstStream.Streaming.Sinks;

namespace AstStream.Streaming.Definitions;

/// <summary>What a definition says of one sink, as values of its type.</summary>
public abstract record SinkSettings : ComponentSettings
{
    /// <summary>The same with what the names of labels and views mean that the definition gives the sink.</summary>
    /// <param name="labels">By each name, the labels that it means.</param>
    public virtual SinkSettings WithLabels(IReadOnlyDictionary<string, IReadOnlyList<string>> labels) => this;

    /// <summary>Builds the sink. Nothing is opened before it runs.</summary>
    public abstract ISink Build();
}
