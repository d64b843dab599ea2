namespace AstStream.Learning.Evaluation;

/// <summary>What a threshold for all labels would give.</summary>
/// <param name="Threshold">The threshold.</param>
/// <param name="Heard">The share of what is there that an event of its label overlaps.</param>
/// <param name="FalseEventsPerHour">Events an hour that overlap nothing of their label.</param>
/// <param name="F1">Event-based, at the middle one of the collars.</param>
public sealed record OperatingPoint(double Threshold, double Heard, double FalseEventsPerHour, double F1);
