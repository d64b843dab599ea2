namespace AstStream.Kafka.Administration;

/// <summary>Where a group is sent to.</summary>
/// <param name="At">The first record that was written then or later; null for an end of the topic.</param>
/// <param name="IsEarliest">Where no time is given: the first record that is there, else the next one that comes.</param>
public sealed record ResetPlace(DateTimeOffset? At, bool IsEarliest);
