namespace AstStream.Streaming;

/// <summary>Sound of a stream as its source gives it, for sinks that ask for audio; or a mark between it.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Kind">Samples, or a mark.</param>
/// <param name="Start">The first sample at the stream's own rate, counted from its start. On a discontinuity, where time goes on; at the end, the length.</param>
/// <param name="SampleRate">Samples a second.</param>
/// <param name="Samples">Mono samples in [-1, 1]; none with a mark.</param>
public sealed record AudioRecord(StreamInfo Stream, MessageKind Kind, long Start, int SampleRate, float[] Samples) : StreamRecord(Stream, "")
{
    internal static AudioRecord Of(AudioBlock block) => new(block.Stream, block.Kind, block.Start, block.SampleRate, block.Samples.ToArray());
}

/// <summary>One window's scores, for sinks that ask for them.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Model">The model, by its name in the pipeline.</param>
/// <param name="Start">The first sample at 16 kHz, counted from the stream's start, of the interval that the scores stand for: a hop in the window's middle.</param>
/// <param name="End">The sample behind its last one.</param>
/// <param name="Labels">The class names.</param>
/// <param name="Scores">Their scores, before smoothing.</param>
public sealed record ScoreFrame(StreamInfo Stream, string Model, long Start, long End, IReadOnlyList<string> Labels, float[] Scores) : StreamRecord(Stream, Model)
{
    /// <summary>Which model heard it, and how that ran.</summary>
    public ModelIdentity? HeardBy { get; init; }
}
