namespace AstStream.Worker;

/// <summary>How the lines of a run's log are written.</summary>
internal enum LogFormat
{
    /// <summary>Time, level and message: 2026-01-31T12:00:00.000Z warning: …</summary>
    Text,

    /// <summary>One JSON object a line: time, level, message, and what the message is made of.</summary>
    Json,
}
