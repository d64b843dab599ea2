namespace AstStream.Learning.Evaluation;

/// <summary>What was found of what is there.</summary>
/// <param name="Reference">Events, or active segments, that are there.</param>
/// <param name="Estimated">Those that were reported.</param>
/// <param name="Hits">Those that are both.</param>
/// <param name="Substitutions">Of the others, pairs of one of each: at the right time under a wrong label.</param>
public readonly record struct Counts(double Reference, double Estimated, double Hits, double Substitutions)
{
    /// <summary>The share of what was reported that is there; not a number where nothing was reported.</summary>
    public double Precision => Hits / Estimated;

    /// <summary>The share of what is there that was reported; not a number where nothing is there.</summary>
    public double Recall => Hits / Reference;

    /// <summary>The harmonic mean of precision and recall; 0 where nothing was hit though something could be.</summary>
    public double F1 => 2 * Hits / (Reference + Estimated);

    /// <summary>What is there and was not reported at all.</summary>
    public double Deletions => Reference - Hits - Substitutions;

    /// <summary>What was reported and has no counterpart.</summary>
    public double Insertions => Estimated - Hits - Substitutions;

    /// <summary>Substitutions, deletions and insertions by what is there; not a number where nothing is there.</summary>
    public double ErrorRate => (Substitutions + Deletions + Insertions) / Reference;

    /// <summary>The sum of both.</summary>
    public static Counts operator +(Counts a, Counts b) => new(
        a.Reference + b.Reference, a.Estimated + b.Estimated, a.Hits + b.Hits, a.Substitutions + b.Substitutions);
}
