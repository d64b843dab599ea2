using AstStream.Streaming.Definitions;
using AstStream.Streaming.Sinks;

namespace AstStream.Streaming.Pipelines;

/// <summary>A sink that is there already, in the place of a definition's.</summary>
/// <param name="Sink">The sink.</param>
internal sealed record GivenSink(ISink Sink) : SinkSettings
{
    public override ISink Build() => Sink;
}
