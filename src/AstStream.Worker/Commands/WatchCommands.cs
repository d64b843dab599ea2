using System.CommandLine;
using System.Globalization;
using AstStream.Streaming.Pipelines;
using AstStream.Worker.Hosting;

namespace AstStream.Worker.Commands;

/// <summary>top, tap: what a running station hears, and what passes through it.</summary>
internal static class WatchCommands
{
    private static readonly string[] s_points = ["blocks", "scores", "decided", "events"];
    private static readonly TimeSpan s_quiet = TimeSpan.FromSeconds(45); // a station says each 15 s that it is there
    private static readonly TimeSpan s_between = TimeSpan.FromSeconds(1);

    public static IEnumerable<Command> All(WorkerSettings settings)
    {
        var host = settings.Host;
        yield return Top(host);
        yield return Tap(host);
    }

    private static Command Top(PipelineHost host)
    {
        var (station, token) = (StationClient.Argument(), StationClient.TokenOption());
        var once = new Option<bool>("--once") { Description = "Shows it once, not each second until Ctrl-C." };
        var command = Help.Add(
            new Command("top", "Shows the streams of a running station: state, level, what they hear, and what is wrong.")
            {
                station, token, once,
            },
            $"""
            Examples:
              aststream top
              aststream top yard.yaml
              aststream top http://10.0.0.7:8765 --token {"${env:STATION_TOKEN}"}

            {ExitCode.Help}
            """);
        command.SetAction((result, cancellation) => ConnectedAsync(
            result.GetValue(station)!, result.GetValue(token), host, cancellation, async (client, stop) =>
            {
                var view = new TopView(client.Address);
                if (result.GetValue(once) || Console.IsOutputRedirected)
                {
                    Terminal.Table(view.Of(await LookAsync(client, stop).ConfigureAwait(false)));
                    return;
                }

                await view.FollowAsync(() => LookAsync(client, stop), s_between, stop).ConfigureAwait(false);
            }));
        return command;
    }

    private static Command Tap(PipelineHost host)
    {
        var (station, token) = (StationClient.Argument(), StationClient.TokenOption());
        var of = new Option<string[]>("--of")
        {
            Description = "What passes: blocks of sound from sources, scores of windows, what is decided of a stream's time, events (the "
                + "default). May be given several times.",
            HelpName = string.Join('|', s_points),
        };
        of.AcceptOnlyFromAmong(s_points);
        var stream = new Option<string?>("--stream") { Description = "Only streams of this name, with * for anything.", HelpName = "NAME" };
        var limit = new Option<int?>("--limit") { Description = "Ends after so many messages.", HelpName = "N" };
        limit.Validators.Add(r =>
        {
            if (r.Tokens.Any(t => !int.TryParse(t.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var n) || n < 1))
                r.AddError("--limit: expected a whole number from 1 on");
        });
        var command = Help.Add(
            new Command("tap", "Shows what passes the arrows of a running station, as lines of JSON.")
            {
                station, token, of, stream, limit,
            },
            $"""
            The run is not held up: where more passes than can be shown, some is left out, and a line says how much ("missed").

            Examples:
              aststream tap --of scores --stream porch
              aststream tap yard.yaml --of blocks --of decided --limit 100

            {ExitCode.Help}
            """);
        command.SetAction((result, cancellation) => ConnectedAsync(
            result.GetValue(station)!, result.GetValue(token), host, cancellation, async (client, stop) =>
            {
                var query = string.Join('&', (result.GetValue(of) is { Length: > 0 } points ? points : ["events"]).Select(p => $"of={p}"));
                if (result.GetValue(stream) is { } name)
                    query += $"&stream={Uri.EscapeDataString(name)}";
                using var lines = await client.FollowAsync($"api/v1/tap?{query}", stop).ConfigureAwait(false);
                for (var left = result.GetValue(limit) ?? int.MaxValue; left > 0;)
                {
                    if (await lines.ReadLineAsync(stop).AsTask().WaitAsync(s_quiet, stop).ConfigureAwait(false) is not { } line)
                        return; // the run has ended
                    if (line.Length == 0)
                        continue;
                    Terminal.Line(line);
                    left--;
                }
            }));
        return command;
    }

    private static async Task<StationLook> LookAsync(StationClient client, CancellationToken stop) => new(
        await client.GetAsync("api/v1/health", stop).ConfigureAwait(false),
        await client.GetAsync("api/v1/streams", stop).ConfigureAwait(false),
        await client.TextAsync("metrics", stop).ConfigureAwait(false));

    private static async Task<int> ConnectedAsync(
        string station, string? token, PipelineHost host, CancellationToken cancellation, Func<StationClient, CancellationToken, Task> look)
    {
        using var ctrlC = new StopSignal(cancellation);
        using var client = StationClient.Of(station, token, host);
        if (client is null)
        {
            Errors.Write($"{station}: no station of this pipeline is served; expected a section 'station': docs/station.md shows one");
            return ExitCode.Invalid;
        }

        try
        {
            await look(client, ctrlC.Token).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new IOException($"{client.Address}: has said nothing for {s_quiet.TotalSeconds:0} s");
        }
        catch (OperationCanceledException) when (ctrlC.Token.IsCancellationRequested)
        {
            // Seen enough.
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new IOException($"{client.Address}: answers, but not as a station of this version does", e);
        }

        return ExitCode.Ok;
    }
}
