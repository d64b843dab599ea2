using AstStream.Learning.Evaluation;

namespace AstStream.Learning.Training;

/// <summary>A head, and how it came about.</summary>
/// <param name="Labels">Its classes.</param>
/// <param name="Head">Its weights, for embeddings after the classifier's LayerNorm.</param>
/// <param name="Thresholds">The score of each class from which on it is believed.</param>
/// <param name="Ridge">The ridge that was chosen.</param>
/// <param name="Losses">The loss of each ridge that was tried, on recordings that the head was not fitted on.</param>
/// <param name="Clips">Clips that it was fitted on, and of how many recordings.</param>
/// <param name="CrossValidated">How well heads that were fitted on the other folds name the clips that it was fitted on.</param>
/// <param name="HeldOut">How well it names clips that were kept out; null where none were.</param>
public sealed record TrainedHead(
    IReadOnlyList<string> Labels, LogisticHead Head, IReadOnlyList<double> Thresholds, double Ridge,
    IReadOnlyList<(double Ridge, double Loss)> Losses, (int Clips, int Recordings) Clips, ClipReport CrossValidated, ClipReport? HeldOut);
