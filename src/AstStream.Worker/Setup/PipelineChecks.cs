using System.Runtime.CompilerServices;
using AstStream.Connectors.Programs;
using AstStream.Station;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Pipelines;
using AstStream.Worker.Commands;

namespace AstStream.Worker.Setup;

/// <summary>What one pipeline needs: that it is right, that those answer whom it talks to, that its service runs.</summary>
internal static class PipelineChecks
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(3);

    /// <summary>Looks at all of it.</summary>
    public static async IAsyncEnumerable<Finding> AllAsync(
        string path, PipelineHost host, SetupPlace place, [EnumeratorCancellation] CancellationToken stop)
    {
        Pipeline? pipeline = null;
        List<Finding> wrong = [];
        try
        {
            pipeline = Pipeline.Load(path, [], host);
        }
        catch (InvalidPipelineException e)
        {
            wrong.AddRange(e.Problems.Select(
                p => Finding.Bad("pipeline", p.ToString(), "correct that line; docs/pipelines.md has every key")));
        }

        foreach (var finding in wrong)
            yield return finding;
        if (pipeline is null)
            yield break;
        using (pipeline)
        {
            yield return Finding.Good("pipeline", $"{path} is a good one, with {pipeline.SourceCount} sources");
            foreach (var (component, peer) in pipeline.Peers)
            {
                yield return await Reachability.TroubleAsync(peer, s_patience, stop).ConfigureAwait(false) is { } trouble
                    ? Finding.Bad(component, trouble, "is it on, and the address right? A firewall?")
                    : Finding.Good(component, $"{peer} answers");
            }

            var answers = false;
            if (pipeline.Section<StationSettings>() is { Address: { } address })
            {
                using var client = StationClient.Of(pipeline)!;
                var trouble = await client.TroubleAsync(stop).ConfigureAwait(false);
                answers = trouble is null;
                var peer = new Peer(address.Host.Trim('[', ']'), address.Port);
                var isFree = !answers && await Reachability.TroubleAsync(peer, s_patience, stop).ConfigureAwait(false) is not null;
                yield return answers ? Finding.Good("station", $"runs, and is ready: {address}")
                    : isFree ? Finding.Note("station", "does not run", $"aststream run {path}")
                    : Finding.Bad(
                        "station", trouble!, $"is it another program that has port {address.Port}? ss -ltnp; another one: station.listen");
            }

            if (place.HasService && path == place.Pipeline)
                yield return await ServiceAsync(place, answers, stop).ConfigureAwait(false);
        }
    }

    private static async Task<Finding> ServiceAsync(SetupPlace place, bool answers, CancellationToken stop)
    {
        var state = await SystemProgram.RunAsync("systemctl", [.. place.Manager, "is-active", "aststream"], s_patience, stop)
            .ConfigureAwait(false);
        return state is { Code: 0 }
            ? Finding.Good("service", answers ? "is active" : "is active; wait until the station is ready")
            : Finding.Note(
                "service", state is { } said ? $"is {said.Output.Trim()}" : "systemctl does not answer",
                place.Command("systemctl", "enable --now aststream"));
    }
}
