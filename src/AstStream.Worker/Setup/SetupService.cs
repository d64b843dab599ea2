using AstStream.Connectors.Programs;
using AstStream.Streaming.Pipelines;
using AstStream.Worker.Commands;

namespace AstStream.Worker.Setup;

/// <summary>The service that runs the pipeline that was set up.</summary>
internal static class SetupService
{
    private const string Name = "aststream";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30); // of systemctl where nothing starts
    private static readonly TimeSpan s_start = TimeSpan.FromMinutes(5); // as the unit's TimeoutStartSec
    private static readonly TimeSpan s_between = TimeSpan.FromMilliseconds(500);

    /// <summary>Starts it, now and at each start of the machine, and waits until it is ready.</summary>
    /// <returns>Whether it is.</returns>
    public static async Task<bool> StartAsync(SetupPlace place, PipelineHost host, CancellationToken stop)
    {
        // It is waited for: one that ran before answers until it has ended.
        (string[] Command, TimeSpan Patience)[] steps =
            [(["daemon-reload"], s_patience), (["enable", Name], s_patience), (["restart", Name], s_start)];
        foreach (var (command, patience) in steps)
        {
            var result = await SystemProgram.RunAsync("systemctl", [.. place.Manager, .. command], patience, stop)
                .ConfigureAwait(false);
            if (result is not { Code: 0 })
            {
                var said = result is { } failed ? (failed.Output + failed.Error).Trim() : "no answer";
                Errors.Write($"systemctl {string.Join(' ', [.. place.Manager, .. command])}: {said}");
                return false;
            }
        }

        using var client = StationClient.Of(place.Pipeline, null, host);
        for (var waited = TimeSpan.Zero; client is not null && waited < s_start; waited += s_between)
        {
            if (await client.TroubleAsync(stop).ConfigureAwait(false) is null)
            {
                Terminal.Status($"It runs. The page: {client.Address}   The log: {Journal(place)}");
                return true;
            }

            await Task.Delay(s_between, stop).ConfigureAwait(false);
        }

        Errors.Write($"the service was started but is not ready after {s_start.TotalMinutes:0} minutes: {Journal(place)} says why");
        return false;
    }

    private static string Journal(SetupPlace place) => place.IsMachines ? $"journalctl -u {Name}" : $"journalctl --user -u {Name}";
}
