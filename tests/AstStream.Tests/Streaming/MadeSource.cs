using AstStream.Streaming.Definitions;
using AstStream.Streaming.Sources;

namespace AstStream.Tests.Streaming;

/// <summary>Settings of a source that a test builds itself.</summary>
internal sealed record MadeSource(Func<IAudioSource> Make) : SourceSettings
{
    public override IAudioSource Build(PipelineDefinition pipeline) => Make();
}
