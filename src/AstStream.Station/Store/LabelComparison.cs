namespace AstStream.Station.Store;

/// <summary>How often two models reported a label.</summary>
/// <param name="Label">The label.</param>
/// <param name="Both">Events of the one that the other had at that time, too.</param>
/// <param name="ModelAlone">Events that the model alone had.</param>
/// <param name="ShadowAlone">Events that the one in its shadow alone had.</param>
public sealed record LabelComparison(string Label, int Both, int ModelAlone, int ShadowAlone);
