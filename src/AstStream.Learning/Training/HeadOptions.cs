using System.Collections.Immutable;
using AstStream.Learning.Evaluation;
using AstStream.Model.Import;

namespace AstStream.Learning.Training;

/// <summary>How a head is trained.</summary>
public sealed record HeadOptions
{
    /// <summary>Labels that stand for nothing: their clips have none of the others.</summary>
    public IReadOnlyList<string> Nothing { get; init; } = ["nothing", "none", "background", "_background_noise_", "silence"];

    /// <summary>Whether where a class is there and where it is not count the same in all; true by default.</summary>
    public bool IsBalanced { get; init; } = true;

    /// <summary>The ridges that are tried; above 0.</summary>
    public IReadOnlyList<double> Ridges { get; init; } = [1, 3e-1, 1e-1, 3e-2, 1e-2, 3e-3, 1e-3, 3e-4, 1e-4];

    /// <summary>The ridge, above 0; null, the default, for the one of <see cref="Ridges"/> that is best in cross-validation.</summary>
    public double? Ridge { get; init; }

    /// <summary>A head whose labels are learnt from it on, not from nothing; null, the default, for none.</summary>
    public ClassifierHead? Prior { get; init; }

    /// <summary>Folds of the cross-validation, 2 or more; fewer where a label has fewer recordings.</summary>
    public int Folds { get; init; } = 5;

    /// <summary>The share of recordings that is kept out and measured on, where no clips are given for that; 0 to 0.5.</summary>
    public double HeldOut { get; init; } = 0.2;

    /// <summary>
    /// How a label's threshold is chosen, on scores of clips that the head that gave them was not fitted on; null for the fewest mistakes
    /// on what people judged (<see cref="JudgedThresholds"/>).
    /// </summary>
    public ThresholdRule? Thresholds { get; init; } = new(ThresholdRule.Rule.F1, 0);

    /// <summary>Thresholds that labels have at least; 0 for those that are not there. Empty by default.</summary>
    public IReadOnlyDictionary<string, double> LeastThresholds { get; init; } = ImmutableDictionary<string, double>.Empty;
}
