namespace AstStream.Station.Notify;

/// <summary>What the outbox remembers of a notification: cool-downs and bursts go on from there after a restart.</summary>
/// <param name="Target">Its target.</param>
/// <param name="Rule">The rule that wanted it.</param>
/// <param name="Label">The label that it was about.</param>
/// <param name="Stream">The stream that it was about.</param>
/// <param name="Time">When what it was about happened.</param>
/// <param name="State">What became of it.</param>
/// <param name="EventId">The event that it was about; null for none.</param>
internal sealed record OutboxTrace(
    string Target, string Rule, string Label, string Stream, DateTimeOffset Time, string State, string? EventId);
