namespace AstStream.Streaming.Telemetry;

/// <summary>One stream's failure.</summary>
/// <param name="Source">The source's name in the pipeline.</param>
/// <param name="Message">What happened and what to do.</param>
public sealed record StreamError(string Source, string Message);
