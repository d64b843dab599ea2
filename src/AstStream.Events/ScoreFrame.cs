namespace AstStream.Events;

/// <summary>One window's scores, for sinks that ask for them.</summary>
/// <param name="Stream">The stream.</param>
/// <param name="Model">The model, by its name in the pipeline.</param>
/// <param name="Start">
/// The first sample, as <see cref="ModelTime"/> counts, of the interval that the scores stand for: a hop in the window's middle.
/// </param>
/// <param name="End">The sample after its last one.</param>
/// <param name="Labels">The class names.</param>
/// <param name="Scores">Their scores, before smoothing.</param>
public sealed record ScoreFrame(StreamIdentity Stream, string Model, long Start, long End, IReadOnlyList<string> Labels, float[] Scores)
    : StreamRecord(Stream, Model)
{
    /// <summary>Which model heard it, and how that ran.</summary>
    public ModelIdentity? HeardBy { get; init; }
}
