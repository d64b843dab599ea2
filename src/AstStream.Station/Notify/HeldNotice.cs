namespace AstStream.Station.Notify;

/// <summary>What a digest is made of.</summary>
/// <param name="Number">Its place in the outbox.</param>
/// <param name="Label">The label that it is about.</param>
/// <param name="Stream">The stream that it is about.</param>
/// <param name="Time">When what it is about happened.</param>
internal sealed record HeldNotice(long Number, string Label, string Stream, DateTimeOffset Time);
