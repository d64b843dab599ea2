namespace AstStream.Streaming.FrontEnd;

/// <summary>A stretch of a stream without a break, which its windows are counted from.</summary>
/// <param name="SampleRate">The stream's own rate in it.</param>
/// <param name="Origin">Its first sample at that rate, counted from the stream's start.</param>
/// <param name="Start">Its first sample at 16 kHz.</param>
internal readonly record struct Segment(int SampleRate, long Origin, long Start);
