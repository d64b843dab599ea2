namespace AstStream.Station.Store;

/// <summary>What a model that scores in the shadow of another one would have reported.</summary>
/// <param name="Stream">The stream's name.</param>
/// <param name="Label">The label.</param>
/// <param name="Time">When it began.</param>
/// <param name="End">When it ended.</param>
/// <param name="Score">The highest score.</param>
public sealed record ShadowEvent(string Stream, string Label, DateTimeOffset Time, DateTimeOffset End, double Score);
