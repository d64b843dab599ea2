using AstStream.Streaming.Graph;
using AstStream.Streaming.Telemetry;

namespace AstStream.Station.Web;

/// <summary>What the page shows of the run.</summary>
/// <param name="Report">What the run has done.</param>
/// <param name="HasStarted">Whether its graph runs: models are open and have passed their checks, sinks can write.</param>
/// <param name="Edges">The arrows of its graph.</param>
/// <param name="Version">The program's version.</param>
/// <param name="Control">What may be changed of the pipeline; null for nothing.</param>
public sealed record RunState(RunReport Report, Func<bool> HasStarted, Func<IEnumerable<IEdge>> Edges, string Version,
    IPipelineControl? Control = null)
{
    /// <summary>The meter whose metrics are served; the run's own by default.</summary>
    public string Meter { get; init; } = RunMetrics.MeterName;
}
