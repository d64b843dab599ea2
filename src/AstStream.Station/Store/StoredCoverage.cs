namespace AstStream.Station.Store;

/// <summary>An interval of a stream's time and what became of it, as a store keeps it.</summary>
/// <param name="Time">When it began; where that is not known, when it was stored.</param>
/// <param name="Seconds">How long it is.</param>
/// <param name="State">Analysed, Gated or Lost.</param>
/// <param name="Reason">Why it was lost; None where it was not.</param>
/// <param name="Source">What its source was like; empty where nobody knows.</param>
/// <param name="Model">The model.</param>
public sealed record StoredCoverage(DateTimeOffset Time, double Seconds, string State, string Reason, string Source, string Model);
