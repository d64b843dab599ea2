namespace AstStream.Model.Training;

/// <summary>What a batch gave.</summary>
/// <param name="Loss">The sum of its losses, as they were weighted.</param>
/// <param name="Norm">The norm of all gradients.</param>
/// <param name="NotFinite">The first thing that is no finite number: the loss, or a parameter's gradient; null where all are.</param>
public readonly record struct GradientReport(double Loss, double Norm, string? NotFinite);
