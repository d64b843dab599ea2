namespace AstStream.Station.Notify;

/// <summary>Something that the system should be asked about, or that is well again.</summary>
/// <param name="Kind">What kind: stream_away, stream_back, windows_lost, disk_low.</param>
/// <param name="Subject">What it is about.</param>
/// <param name="Title">A few words.</param>
/// <param name="Text">A sentence.</param>
/// <param name="At">When it was seen.</param>
internal sealed record SystemFault(string Kind, string Subject, string Title, string Text, DateTimeOffset At);
