using AstStream.Streaming.Decoding;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Scheduling;

namespace AstStream.Streaming.Pipelines;

/// <summary>A model with what runs it.</summary>
/// <param name="Model">What it is.</param>
/// <param name="Scheduler">Where its windows go.</param>
/// <param name="Sessions">What scores them.</param>
/// <param name="Decoder">What decodes their scores.</param>
internal sealed record RunningModel(
    OpenModel Model, WindowScheduler Scheduler, IReadOnlyList<SessionNode> Sessions, DecodeNode Decoder)
{
    public IEnumerable<Node> Nodes => [.. Sessions, Decoder];
}
