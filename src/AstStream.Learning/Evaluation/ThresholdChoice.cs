namespace AstStream.Learning.Evaluation;

/// <summary>A threshold and what it costs, on the clips that it was chosen on.</summary>
/// <param name="Threshold">
/// The score from which on the class is believed: halfway between what is and what is not; 1 where none does.
/// </param>
/// <param name="Precision">The share of what is believed that is there; not a number where nothing is.</param>
/// <param name="Recall">The share of what is there that is believed.</param>
/// <param name="FalsePerHour">Clips an hour that are believed and wrong.</param>
public sealed record ThresholdChoice(double Threshold, double Precision, double Recall, double FalsePerHour);
