using System.CommandLine;
using System.Globalization;
using AstStream.Station;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Pipelines;
using AstStream.Worker.Hosting;
using Spectre.Console;

namespace AstStream.Worker.Commands;

/// <summary>notify: tries whether notifications arrive.</summary>
internal static class NotifyCommands
{
    public static IEnumerable<Command> All(WorkerSettings settings)
    {
        var host = settings.Host;
        var file = new Argument<string>("PIPELINE.yaml") { Description = "The pipeline definition." };
        var names = new Argument<string[]>("NAME")
        {
            Description = "The targets; all by default.",
            DefaultValueFactory = _ => [],
        };
        var test = Help.Add(
            new Command("test", "Sends a notification to targets of a pipeline, and says whether it arrives.") { file, names },
            $"""
            It is sent once, whatever the rules say, with a small picture where the target takes pictures.

            Examples:
              aststream notify test home.yaml
              aststream notify test home.yaml phone

            {ExitCode.Help}
            """);
        test.SetAction((result, cancellation) => TestAsync(host, result.GetValue(file)!, result.GetValue(names)!, cancellation));
        yield return Help.Add(
            new Command("notify", "Notifications of a pipeline.") { test }, "Example:\n  aststream notify test home.yaml phone");
    }

    private static async Task<int> TestAsync(PipelineHost host, string file, string[] names, CancellationToken cancellation)
    {
        using var pipeline = Pipeline.Load(file, [], host);
        if (pipeline.Section<NotifySettings>() is not { } settings)
        {
            Errors.Write($"{file}: has no section 'notify'; docs/notifications.md shows one");
            return ExitCode.Invalid;
        }

        var unknown = names.Except(settings.TargetNames).ToList();
        foreach (var name in unknown)
            Errors.Write($"{file}: notify.targets has no '{name}'{Nearest.Hint(name, [.. settings.TargetNames])}");
        if (unknown.Count > 0)
            return ExitCode.Invalid;
        var (table, isWell) = (new Table().AddColumns("target", "where", "result").Border(TableBorder.Minimal), true);
        foreach (var name in names.Length > 0 ? names : settings.TargetNames)
        {
            var (place, took, problem) = await Notifications.TryAsync(settings, name, TimeProvider.System, cancellation)
                .ConfigureAwait(false);
            isWell &= problem is null;
            if (problem is not null)
                Errors.Write($"{name}: {problem}");
            table.AddRow(Terminal.Cell(name), Terminal.Cell(place), problem is null
                ? string.Create(CultureInfo.InvariantCulture, $"arrived in {took.TotalMilliseconds:0} ms") : "did not arrive");
        }

        Terminal.Table(table);
        return isWell ? ExitCode.Ok : ExitCode.Failed;
    }
}
