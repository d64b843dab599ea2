using System.Globalization;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Telemetry;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;

namespace AstStream.Worker.Hosting;

/// <summary>
/// Tells systemd that the pipeline runs or drains (Type=notify), and feeds its watchdog (WatchdogSec=) only while the engine makes
/// progress.
/// </summary>
internal sealed class SystemdService(
    ISystemdNotifier notifier, DataflowGraph graph, ProgressWatch progress, RunReport report, RunSignals signals, TimeProvider time)
    : BackgroundService
{
    private const string Interval = "WATCHDOG_USEC"; // systemd's own, microseconds

    private static readonly TimeSpan s_status = TimeSpan.FromSeconds(10);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var watchdog = long.TryParse(Environment.GetEnvironmentVariable(Interval), CultureInfo.InvariantCulture, out var us) && us > 0
            ? TimeSpan.FromMicroseconds(us)
            : (TimeSpan?)null;
        using var draining = signals.Stop.Register(() => notifier.Notify(ServiceState.Stopping));
        try
        {
            await graph.Started.WaitAsync(stoppingToken).ConfigureAwait(false);
            if (!signals.Stop.IsCancellationRequested)
                notifier.Notify(ServiceState.Ready);
            while (true)
            {
                notifier.Notify(new ServiceState(Status()));
                if (watchdog is not null && progress.HasMoved())
                    notifier.Notify(new ServiceState("WATCHDOG=1"));
                await Task.Delay(watchdog / 2 ?? s_status, time, stoppingToken).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The run has ended.
        }
    }

    private string Status() => string.Create(
        CultureInfo.InvariantCulture, $"STATUS={report.Streams} streams, {report.Windows} windows, {report.AudioSeconds:0} s of sound");
}
