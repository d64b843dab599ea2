using AstStream.Events;

namespace AstStream.Streaming.Sources;

/// <summary>Sound of a stream as its source gives it, for sinks that ask for audio; or a mark between it.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Kind">Samples, or a mark.</param>
/// <param name="Start">
/// The first sample at the stream's own rate, counted from its start. On a discontinuity, where time goes on; at the end, the length.
/// </param>
/// <param name="SampleRate">Samples a second.</param>
/// <param name="Samples">Mono samples in [-1, 1]; none with a mark.</param>
public sealed record AudioRecord(StreamInfo Stream, MessageKind Kind, long Start, int SampleRate, float[] Samples) : StreamRecord(
    Stream, "")
{
    /// <summary>The stream.</summary>
    public new StreamInfo Stream { get; } = Stream;

    internal static AudioRecord Of(AudioBlock block) =>
        new(block.Stream, block.Kind, block.Start, block.SampleRate, block.Samples.ToArray());
}
