using System.CommandLine;
using System.Globalization;
using AstStream.Kafka;
using AstStream.Kafka.Administration;
using AstStream.Streaming.Pipelines;
using AstStream.Worker.Hosting;
using Spectre.Console;

namespace AstStream.Worker.Commands;

/// <summary>kafka reset: sends a group of workers back, or ahead, to a time.</summary>
internal static class KafkaResetCommand
{
    private const string Earliest = "earliest";
    private const string Latest = "latest";

    public static Command Create(WorkerSettings settings)
    {
        var host = settings.Host;
        var file = new Argument<string>("PIPELINE.yaml") { Description = "The pipeline definition of the workers." };
        var to = new Option<string>("--to")
        {
            Description = "When the first record was written that is heard next: a time (2026-11-27T06:00:00Z; this machine's zone where "
                + "none is given), how long ago (2h, 30m), earliest or latest.",
            HelpName = "TIME",
            Required = true,
        };
        var group = new Option<string?>("--group")
        {
            Description = "The consumer group, where the pipeline has several.",
            HelpName = "G",
        };
        var dry = new Option<bool>("--dry-run") { Description = "Changes nothing, and shows what would be changed." };
        to.Validators.Add(r =>
        {
            if (r.Tokens is [var token] && Place(token.Value) is null)
                r.AddError($"--to '{token.Value}': expected a time that is past, such as 2026-11-27T06:00:00Z, how long ago such as 2h, "
                    + $"{Earliest} or {Latest}");
        });
        var command = Help.Add(
            new Command("reset", "Sends a group of workers back, or ahead, to a time.") { file, to, group, dry },
            $"""
            The group's offsets and what it knows of its streams change in one transaction; while it has members it is refused. What comes
            again makes its events again, though not with the same ids where a window begins elsewhere; streams begin anew, and events that
            were open are not closed.

            Examples:
              aststream kafka reset pipelines/kafka.yaml --to 2026-11-27T06:00:00Z --dry-run
              aststream kafka reset pipelines/kafka.yaml --to 2h
              aststream kafka reset pipelines/kafka.yaml --to latest

            {ExitCode.Help}
            """);
        command.SetAction((result, _) => KafkaCommands.RunAsync(async () =>
        {
            using var stop = new StopSignal();
            using var pipeline = Pipeline.Load(result.GetValue(file)!, [], host);
            var chosen = Chosen(ResetTools.Groups(pipeline), result.GetValue(group), result.GetValue(file)!);
            var isDry = result.GetValue(dry);
            var place = Place(result.GetValue(to)!)!;
            var resets = await ResetTools.RunAsync(pipeline, chosen, place, isDry, stop.Token).ConfigureAwait(false);
            Terminal.Table(Table($"group {chosen}{(place.At is { } at ? $", {at.UtcDateTime:yyyy-MM-dd HH:mm:ss}Z" : "")}", resets, isDry));
        }));
        return command;
    }

    private static string Chosen(IReadOnlyList<string> groups, string? asked, string file)
    {
        if (groups.Count == 0)
            throw new KafkaToolException($"{file}: has no source of type kafka") { IsUsage = true };
        if (asked is null && groups.Count == 1)
            return groups[0];
        if (asked is not null && groups.Contains(asked, StringComparer.Ordinal))
            return asked;
        var found = asked is null ? "has several groups" : $"has no group '{asked}'";
        throw new KafkaToolException($"{file}: {found}; expected --group and one of {string.Join(", ", groups)}") { IsUsage = true };
    }

    private static ResetPlace? Place(string text) => text switch
    {
        Earliest => new ResetPlace(null, IsEarliest: true),
        Latest => new ResetPlace(null, IsEarliest: false),
        _ => StoreCommands.Time(text) is { } at && at <= TimeProvider.System.GetUtcNow() ? new ResetPlace(at, IsEarliest: false) : null,
    };

    private static Table Table(string caption, IReadOnlyList<PartitionReset> resets, bool isDry)
    {
        var table = new Table().Border(TableBorder.Simple)
            .AddColumns("topic", "partition", "committed", "goes on at", "records", "streams that begin anew");
        foreach (var reset in resets)
            table.AddRow(
                Terminal.Cell(reset.Topic), Text(reset.Partition), reset.From is { } from ? Text(from) : "-", Text(reset.To),
                reset.Again is not { } again ? "-" : again >= 0 ? $"{Text(again)} come again" : $"{Text(-again)} are passed over",
                Text(reset.Streams));
        return table.Caption(Terminal.Cell($"{caption}{(isDry ? ": nothing was changed" : "")}"), Style.Plain);
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
