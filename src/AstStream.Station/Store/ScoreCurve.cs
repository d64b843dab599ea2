namespace AstStream.Station.Store;

/// <summary>How a model scored one label over a clip's time.</summary>
/// <param name="Model">The model, by its name in the pipeline.</param>
/// <param name="Label">The label.</param>
/// <param name="Times">The middle of each window that was scored, in seconds from the stream's start, ascending.</param>
/// <param name="Scores">Its score, 0 to 1; 0 where it was not among the likeliest.</param>
public sealed record ScoreCurve(string Model, string Label, IReadOnlyList<double> Times, IReadOnlyList<float> Scores);
