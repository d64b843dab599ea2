namespace AstStream.Streaming.Telemetry;

/// <summary>What a session of a model runs as now.</summary>
/// <param name="Model">The model's name.</param>
/// <param name="Provider">What it runs on.</param>
/// <param name="Precision">In which precision.</param>
/// <param name="WindowsPerSecond">What it reached at its start; 0 where that was not measured.</param>
/// <param name="IsFallback">Whether that is not what was asked for.</param>
/// <param name="Description">All of it in a line.</param>
internal sealed record SessionState(
    string Model, string Provider, string Precision, double WindowsPerSecond, bool IsFallback, string Description);
