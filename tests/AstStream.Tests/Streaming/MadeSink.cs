using AstStream.Streaming.Definitions;
using AstStream.Streaming.Sinks;

namespace AstStream.Tests.Streaming;

/// <summary>Settings of a sink that a test builds itself.</summary>
internal sealed record MadeSink(Func<ISink> Make) : SinkSettings
{
    public override ISink Build() => Make();
}
