namespace AstStream.Events;

/// <summary>
/// One interval of a stream's time and what became of it. A stream's records of one model follow each other without hole or overlap
/// from its first sample to its last.
/// </summary>
/// <param name="Stream">The stream.</param>
/// <param name="Model">The model.</param>
/// <param name="State">What became of it.</param>
/// <param name="Reason">Why it was lost; None where it was not.</param>
/// <param name="Start">Its first sample as <see cref="ModelTime"/> counts.</param>
/// <param name="End">The sample after its last one.</param>
/// <param name="EffectiveHop">The longest hop of the windows in it, in seconds; 0 where none was analysed.</param>
/// <param name="Source">What its source was like then; null where nobody watches the source.</param>
public sealed record CoverageInterval(
    StreamIdentity Stream, string Model, CoverageState State, LossReason Reason, long Start, long End, double EffectiveHop,
    SourceState? Source = null) : StreamRecord(Stream, Model)
{
    /// <summary>The hash of the checkpoint that heard it, or would have; null where that is not known.</summary>
    public string? ModelHash { get; init; }
}
