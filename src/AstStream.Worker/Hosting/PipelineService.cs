using System.Diagnostics;
using System.Runtime.ExceptionServices;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Pipelines;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Telemetry;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace AstStream.Worker.Hosting;

/// <summary>Runs a pipeline to its end, takes over its edited definition meanwhile, and ends the host after it.</summary>
internal sealed class PipelineService(
    PipelineRun run, Reloader reloader, bool watchesFile, RunReport report, RunSignals signals, ILogger<PipelineService> log,
    IHostApplicationLifetime lifetime) : BackgroundService
{
    private ExceptionDispatchInfo? _fault;
    private int _code;

    /// <summary>How long it ran.</summary>
    public TimeSpan Elapsed { get; private set; }

    /// <summary>The exit code of the run that has ended.</summary>
    /// <exception cref="Exception">It ended by a mistake of the program.</exception>
    public int ExitCode
    {
        get
        {
            _fault?.Throw();
            return _code;
        }
    }

    /// <summary>Whether all that was to be done was done, errors of single streams aside.</summary>
    public bool HasEnded { get; private set; }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var start = Stopwatch.GetTimestamp();
        try
        {
            _code = await RunAsync().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            _fault = ExceptionDispatchInfo.Capture(e);
        }

        Elapsed = Stopwatch.GetElapsedTime(start);
        lifetime.StopApplication();
    }

    private async Task<int> RunAsync()
    {
        using var ended = new CancellationTokenSource();
        var reloading = reloader.RunAsync(watchesFile, ended.Token);
        try
        {
            await run.RunAsync(signals.Cancel).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (signals.Cancel.IsCancellationRequested)
        {
            log.Stopped();
            return Worker.ExitCode.Stopped;
        }
        catch (Exception e) when (e is NodeFaultException or SinkException)
        {
            log.RunFailed(e.Message);
            return Worker.ExitCode.Failed;
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
            await reloading.ConfigureAwait(false);
        }

        HasEnded = true;
        return report.SinkErrors.Count > 0 ? Worker.ExitCode.Failed
            : report.Errors.Count > 0 ? Worker.ExitCode.InputsFailed
            : Worker.ExitCode.Ok;
    }
}
