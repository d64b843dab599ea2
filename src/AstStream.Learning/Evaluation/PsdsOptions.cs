namespace AstStream.Learning.Evaluation;

/// <summary>What counts as found, by the polyphonic sound detection score.</summary>
/// <param name="Detection">
/// The least share of an event's length that events of its label must overlap, 0 to 1, for it to be no false one (detection tolerance).
/// </param>
/// <param name="GroundTruth">The least share of what is there that such events must overlap for it to be found (ground truth intersection).
/// </param>
/// <param name="CrossTrigger">The least share of a false event that another label's events must overlap for it to be its cross-trigger.
/// </param>
/// <param name="CrossTriggerCost">What a cross-trigger costs beside being a false event (α CT); 0 for nothing.</param>
/// <param name="UnevenCost">What the deviation of the labels' rates costs (α ST).</param>
/// <param name="MostFalsePerHour">The false events an hour up to which the curve counts (e max).</param>
public sealed record PsdsOptions(
    double Detection, double GroundTruth, double CrossTrigger, double CrossTriggerCost, double UnevenCost = 1,
    double MostFalsePerHour = 100)
{
    /// <summary>DCASE's first scenario: to react fast, when matters.</summary>
    public static PsdsOptions Scenario1 { get; } = new(0.7, 0.7, double.PositiveInfinity, 0);

    /// <summary>DCASE's second scenario: not to confuse labels, when matters little.</summary>
    public static PsdsOptions Scenario2 { get; } = new(0.1, 0.1, 0.3, 0.5);
}
