using AstStream.Learning.Evaluation;

namespace AstStream.Learning.Training;

/// <summary>A transformer that was trained further, and how it came about.</summary>
/// <param name="Weights">The best epoch's parameters that were trained, by name.</param>
/// <param name="Thresholds">The score of each learnt label from which on it is believed.</param>
/// <param name="Epochs">All epochs, the first of them what it began with.</param>
/// <param name="Best">The epoch whose weights these are.</param>
/// <param name="End">Why it ended.</param>
/// <param name="Chosen">How well it names the clips that the epoch was chosen by.</param>
/// <param name="HeldOut">How well it names clips that nothing was chosen by; null where none were kept out.</param>
public sealed record FineTuned(
    IReadOnlyDictionary<string, float[]> Weights, IReadOnlyList<double> Thresholds, IReadOnlyList<EpochResult> Epochs, int Best,
    FineTuneEnd End, ClipReport Chosen, ClipReport? HeldOut)
{
    /// <summary>
    /// F1 of the localiser's columns on clips that nothing was chosen by, of labels that are in a clip; NaN where none is trained, or no
    /// such clip has times.
    /// </summary>
    public double Places { get; init; } = double.NaN;
}
