namespace AstStream.Station.Live;

/// <summary>What a model made of a stream's latest window.</summary>
/// <param name="Labels">Its labels, by class.</param>
/// <param name="Scores">One score a class.</param>
/// <param name="Thresholds">The score that opens an event, by class; infinity for a class that makes none.</param>
internal sealed record LatestScores(IReadOnlyList<string> Labels, float[] Scores, IReadOnlyList<float> Thresholds);
