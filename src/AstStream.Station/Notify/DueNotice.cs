using AstStream.Station.Targets;

namespace AstStream.Station.Notify;

/// <summary>A notification that waits for its target.</summary>
/// <param name="Number">Its place in the outbox.</param>
/// <param name="Made">When it was made.</param>
/// <param name="Notice">What is sent.</param>
internal sealed record DueNotice(long Number, DateTimeOffset Made, Notice Notice);
