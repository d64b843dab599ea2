namespace AstStream.Events.Unusual;

/// <summary>How unusual a stream sounds.</summary>
/// <param name="Score">0 to 1, 0.5 and more for what makes an event; NaN while that is not known yet.</param>
/// <param name="Learnt">The share of <see cref="UnusualOptions.Learn"/> that was heard, 0 to 1.</param>
public readonly record struct UnusualReading(float Score, double Learnt);
