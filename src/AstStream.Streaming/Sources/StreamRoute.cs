using AstStream.Streaming.Graph;

namespace AstStream.Streaming.Sources;

/// <summary>What the source's side knows of a stream.</summary>
internal sealed class StreamRoute(Edge<AudioBlock> lane, int sampleRate)
{
    public Edge<AudioBlock> Lane => lane;

    public int SampleRate { get; set; } = sampleRate;

    /// <summary>The sample after the last one that was passed on or dropped.</summary>
    public long Position { get; set; }

    /// <summary>Whether samples before the position were dropped and the lane does not know yet.</summary>
    public bool HasDropped { get; set; }
}
