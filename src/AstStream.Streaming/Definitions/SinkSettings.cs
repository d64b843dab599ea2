using AstStream.Streaming.Sinks;

namespace AstStream.Streaming.Definitions;

/// <summary>What a definition says of one sink, as values of its type.</summary>
public abstract record SinkSettings : ComponentSettings
{
    /// <summary>Builds the sink. Nothing is opened before it runs.</summary>
    public abstract ISink Build();
}
