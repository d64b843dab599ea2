using AstStream.Streaming.FrontEnd;
using AstStream.Streaming.Sources;

namespace AstStream.Streaming.Pipelines;

/// <summary>The lanes of one kind of sources. Streams take them in turn.</summary>
internal sealed class LaneGroup
{
    private int _next = -1;

    public List<LaneInput> Inputs { get; } = [];

    public List<LaneNode> Nodes { get; } = [];

    public LaneInput Next() => Inputs[(int)((uint)Interlocked.Increment(ref _next) % Inputs.Count)];
}
