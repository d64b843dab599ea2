namespace AstStream.Events.Unusual;

/// <summary>When a stream sounds unusual.</summary>
/// <param name="ADay">Alarms a day of sound that are wanted of a stream that goes on as it did.</param>
/// <param name="Learn">How much sound is heard before the first alarm: a third of it to know the stream, the rest to know its rate.</param>
public sealed record UnusualOptions(double ADay, TimeSpan Learn);
