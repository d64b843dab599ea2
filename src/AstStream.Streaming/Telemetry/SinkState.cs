namespace AstStream.Streaming.Telemetry;

/// <summary>How a sink does.</summary>
public enum SinkState
{
    /// <summary>It writes.</summary>
    Well,

    /// <summary>A write has failed and is tried again.</summary>
    Failing,

    /// <summary>It has failed for longer than it is tried.</summary>
    Out,
}
