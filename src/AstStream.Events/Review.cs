namespace AstStream.Events;

/// <summary>A person's word on an event. Reviews are never changed: a later one of the same event takes its place.</summary>
/// <param name="EventId">The event's <see cref="SoundEvent.Id"/>.</param>
/// <param name="Verdict">What the person found.</param>
/// <param name="Label">What it is, where that is another label; null otherwise.</param>
/// <param name="By">Who.</param>
/// <param name="At">When.</param>
public sealed record Review(string EventId, ReviewVerdict Verdict, string? Label, string By, DateTimeOffset At);
