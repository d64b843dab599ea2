namespace AstStream.Station.Notify;

/// <summary>What rules look at of an event.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Model">The model that heard it.</param>
/// <param name="Label">Its label.</param>
/// <param name="Stream">Its stream.</param>
/// <param name="Score">Its score.</param>
/// <param name="Time">When it began.</param>
internal sealed record EventFacts(string Id, string Model, string Label, string Stream, double Score, DateTimeOffset Time);
