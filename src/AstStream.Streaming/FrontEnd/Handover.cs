using AstStream.Events;

namespace AstStream.Streaming.FrontEnd;

/// <summary>What a model that leaves a stream says to the one that goes on with it.</summary>
/// <param name="CoveredTo">The sample at 16 kHz up to which the stream's time is accounted for.</param>
/// <param name="Last">What became of the time before that.</param>
/// <param name="Checkpoint">The number of the stream's next checkpoint; 0 where nobody asks for checkpoints.</param>
/// <param name="Carried">What the input carried last.</param>
/// <param name="Closed">The events that it has closed there, and the samples where they end: what sounds on is not told twice.</param>
internal sealed record Handover(
    long CoveredTo, (CoverageState State, LossReason Reason, SourceState? Source) Last, long Checkpoint,
    IReadOnlyList<CarriedHeader> Carried, IReadOnlyList<(string Label, long Offset)> Closed)
{
    /// <summary>Of a stream that nothing is to be said of any more.</summary>
    public static Handover Nothing { get; } = new(0, default, 0, [], []);
}
