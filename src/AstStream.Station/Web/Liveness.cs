using AstStream.Streaming.Telemetry;

namespace AstStream.Station.Web;

/// <summary>Whether the engine makes progress: looked at every ten seconds, so that probes may ask as often as they like.</summary>
internal sealed class Liveness
{
    private static readonly TimeSpan s_interval = TimeSpan.FromSeconds(10);

    private readonly ProgressWatch _watch;
    private volatile bool _isAlive = true;

    public Liveness(RunState run) => _watch = new ProgressWatch(run.Report, run.Edges);

    /// <summary>Whether there was progress at the last look.</summary>
    public bool IsAlive => _isAlive && !HangGuard.IsHung;

    /// <summary>Looks until it is stopped.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            while (true)
            {
                await Task.Delay(s_interval, stop).ConfigureAwait(false);
                _isAlive = _watch.HasMoved();
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The run has ended.
        }
    }
}
