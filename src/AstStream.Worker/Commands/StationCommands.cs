using System.CommandLine;
using AstStream.Station.Web;
using AstStream.Worker.Hosting;

namespace AstStream.Worker.Commands;

/// <summary>station: what belongs to the page, and whether it is well.</summary>
internal static class StationCommands
{
    private const int LongestPassword = 1000;

    public static IEnumerable<Command> All(WorkerSettings settings)
    {
        var password = Help.Add(new Command("password", "Makes the hash of a password, for station.password of a pipeline."), """
            The password is asked for, or read from standard input: a line. Its hash says nothing of it, and may stand in the pipeline.

            Examples:
              aststream station password
              pass show station | aststream station password
            """);
        password.SetAction(_ => MakePassword());
        yield return Help.Add(
            new Command("station", "The page of a station.") { password, Health(settings) },
            "Examples:\n  aststream station password\n  aststream station health");
    }

    private static Command Health(WorkerSettings settings)
    {
        var host = settings.Host;
        var station = StationClient.Argument();
        var health = Help.Add(new Command("health", "Says whether a station is ready, for probes of containers.") { station }, """
            Exit code 0 where models are open, sources run and the store can be written to, else 1. Of a pipeline without a station nothing
            can be asked, which is no failure.

            Examples:
              aststream station health
              aststream station health /etc/aststream/pipeline.yaml
            """);
        health.SetAction(async (result, cancellation) =>
        {
            using var client = StationClient.Of(result.GetValue(station)!, null, host);
            if (client is null)
            {
                Terminal.Line("the pipeline has no station that could be asked");
                return ExitCode.Ok;
            }

            if (await client.TroubleAsync(cancellation).ConfigureAwait(false) is { } trouble)
            {
                Errors.Write(trouble);
                return ExitCode.Failed;
            }

            Terminal.Line("ready");
            return ExitCode.Ok;
        });
        return health;
    }

    private static int MakePassword()
    {
        var first = Console.IsInputRedirected ? Console.In.ReadLine() ?? "" : Terminal.Secret("password: ");
        if (first.Length is < Password.Least or > LongestPassword)
        {
            Errors.Write($"a password of {first.Length} characters; expected {Password.Least} to {LongestPassword}");
            return ExitCode.Invalid;
        }

        if (!Console.IsInputRedirected && Terminal.Secret("once more: ") != first)
        {
            Errors.Write("these are two passwords; expected the same one twice");
            return ExitCode.Invalid;
        }

        Terminal.Line(Password.Hash(first));
        return ExitCode.Ok;
    }
}
