namespace AstStream.Kafka;

/// <summary>How files are fed to a topic.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Streams">How many streams each file becomes.</param>
/// <param name="IsRealtime">Whether blocks go out when they would be heard, or as fast as they are taken.</param>
/// <param name="Block">Milliseconds of sound in a record.</param>
/// <param name="Ends">Whether the streams are ended after the last record.</param>
public sealed record FeedOptions(string Topic, int Streams, bool IsRealtime, int Block, bool Ends);
