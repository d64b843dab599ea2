namespace AstStream.Streaming.Telemetry;

/// <summary>What metrics show of one model's scheduler. Safe at any time.</summary>
internal interface IModelLoad
{
    /// <summary>The model's name.</summary>
    string Model { get; }

    /// <summary>Streams that have begun and not ended.</summary>
    int Streams { get; }

    /// <summary>The configured hop.</summary>
    double HopSeconds { get; }

    /// <summary>Live streams' hops now: the mean and the greatest stretch.</summary>
    (bool IsOverloaded, double Mean, double Max) Stretch { get; }
}
