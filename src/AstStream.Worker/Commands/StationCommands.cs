using System.CommandLine;
using AstStream.Station.Web;

namespace AstStream.Worker.Commands;

/// <summary>station: what belongs to the page.</summary>
internal static class StationCommands
{
    private const int LeastPassword = 8;
    private const int LongestPassword = 1000;

    public static IEnumerable<Command> All()
    {
        var password = Help.Add(new Command("password", "Makes the hash of a password, for station.password of a pipeline."), """
            The password is asked for, or read from standard input: a line. Its hash says nothing of it, and may stand in the pipeline.

            Examples:
              aststream station password
              pass show station | aststream station password
            """);
        password.SetAction(_ => MakePassword());
        yield return Help.Add(new Command("station", "The page of a station.") { password }, "Example:\n  aststream station password");
    }

    private static int MakePassword()
    {
        var first = Console.IsInputRedirected ? Console.In.ReadLine() ?? "" : Terminal.Secret("password: ");
        if (first.Length is < LeastPassword or > LongestPassword)
        {
            Errors.Write($"a password of {first.Length} characters; expected {LeastPassword} to {LongestPassword}");
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
