using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using AstStream.Kafka.Administration;
using AstStream.Streaming.Pipelines;
using AstStream.Worker.Hosting;
using Spectre.Console;

namespace AstStream.Worker.Commands;

/// <summary>kafka topics, kafka dlq: the topics of a pipeline, and what could not be used.</summary>
internal static class KafkaAdminCommands
{
    private const int Day = 24; // hours

    public static Command Topics(WorkerSettings settings)
    {
        var host = settings.Host;
        var file = new Argument<string>("PIPELINE.yaml") { Description = "The pipeline definition, which says the clusters too." };
        var partitions = new Option<int>("--partitions")
        {
            Description = "Partitions of sound, events and state: twice to four times as many as workers there will ever be.",
            HelpName = "N",
            DefaultValueFactory = _ => 12,
        };
        var replication = new Option<int?>("--replication")
        {
            Description = "Copies of each; three by default, or as many as there are brokers.",
            HelpName = "N",
        };
        var hours = new Option<int>("--retention-hours")
        {
            Description = "How long sound is kept.",
            HelpName = "N",
            DefaultValueFactory = _ => Day,
        };
        var dry = new Option<bool>("--dry-run") { Description = "Makes nothing, and shows what would be made." };
        ExecutionFlags.Validate(partitions, 1, 10_000);
        ExecutionFlags.Validate(hours, 1, 24 * 365);
        replication.Validators.Add(r =>
        {
            if (r.Tokens.Any(t => !int.TryParse(t.Value, NumberStyles.None, CultureInfo.InvariantCulture, out var n) || n is < 1 or > 100))
                r.AddError("--replication: expected a whole number from 1 to 100");
        });
        var create = Help.Add(
            new Command("create", "Makes the topics that a pipeline reads and writes.") { file, partitions, replication, hours, dry },
            $"""
            Sound with its retention, events, dead letters (one partition), state (compacted); with three copies two must be in sync. What
            is there stays as it is, and it is said where it is not as it should be. docs/scale.md says how many partitions.

            Examples:
              aststream kafka topics create pipelines/kafka.yaml --dry-run
              aststream kafka topics create pipelines/kafka.yaml --partitions 48 --retention-hours 6

            {ExitCode.Help}
            """);
        create.SetAction((result, _) => KafkaCommands.RunAsync(async () =>
        {
            using var pipeline = Pipeline.Load(result.GetValue(file)!, [], host);
            var plans = TopicTools.Plan(pipeline, result.GetValue(partitions), TimeSpan.FromHours(result.GetValue(hours)));
            if (plans.Count == 0)
                throw new Kafka.KafkaToolException($"{result.GetValue(file)}: has neither a source nor a sink of type kafka")
                {
                    IsUsage = true,
                };
            foreach (var (access, topics) in plans)
            {
                var isDry = result.GetValue(dry);
                var made = await TopicTools.CreateAsync(access, topics, result.GetValue(replication), isDry).ConfigureAwait(false);
                Terminal.Table(Table(access.Servers, made, isDry));
                foreach (var (name, advice) in made.Where(t => t.Advice is not null).Select(t => (t.Plan.Name, t.Advice)))
                    Errors.Warn($"{name}: {advice}");
            }
        }));
        return Help.Add(new Command("topics", "Topics of a pipeline.") { create }, "Example:\n  aststream kafka topics create kafka.yaml");
    }

    public static Command DeadLetters() => Help.Add(
        new Command("dlq", "Records that could not be used.") { List(), Replay() },
        "Examples:\n  aststream kafka dlq list audio-dead-letter\n  aststream kafka dlq replay audio-dead-letter --dry-run");

    private static Argument<string> Letters() => new("TOPIC") { Description = "The topic of dead letters: audio-dead-letter." };

    private static Option<string?> Reason() => new("--error")
    {
        Description = "Only those whose error has this text.",
        HelpName = "TEXT",
    };

    private static Command List()
    {
        var (topic, reason) = (Letters(), Reason());
        var json = new Option<bool>("--json") { Description = "One JSON object a line." };
        var command = Help.Add(
            new Command("list", "Lists them, with why, and where they came from.")
            {
                topic, reason, json, KafkaCommands.Servers, KafkaCommands.Settings,
            },
            $"""
            Examples:
              aststream kafka dlq list audio-dead-letter
              aststream kafka dlq list audio-dead-letter --error sample_rate --json

            {ExitCode.Help}
            """);
        command.SetAction((result, cancellation) => KafkaCommands.RunAsync(() => Task.Run(
            () =>
            {
                foreach (var record in Records(result, topic, reason, cancellation))
                    Terminal.Line(result.GetValue(json) ? Json(record) : Line(record));
            },
            cancellation)));
        return command;
    }

    private static Command Replay()
    {
        var (topic, reason) = (Letters(), Reason());
        var suffix = new Option<string>("--suffix")
        {
            Description = "What is added to the stream's name; empty for the stream itself, which leaves old sound out.",
            HelpName = "TEXT",
            DefaultValueFactory = _ => "-replay",
        };
        var dry = new Option<bool>("--dry-run") { Description = "Sends nothing, and shows what would be sent." };
        var command = Help.Add(
            new Command("replay", "Sends them again to where they came from, once their cause is gone.")
            {
                topic, reason, suffix, dry, KafkaCommands.Servers, KafkaCommands.Settings,
            },
            $"""
            They become streams of their own, which end after them; their times are what they were. The dead letters stay. One that was
            cut, as it was too large, can't be sent again.

            Examples:
              aststream kafka dlq replay audio-dead-letter --dry-run
              aststream kafka dlq replay audio-dead-letter --error "encoding is 'opus'"

            {ExitCode.Help}
            """);
        command.SetAction((result, cancellation) => KafkaCommands.RunAsync(() => Task.Run(
            () =>
            {
                var records = Records(result, topic, reason, cancellation);
                if (result.GetValue(dry))
                {
                    foreach (var record in records)
                        Terminal.Line(Line(record));
                    return;
                }

                var sent = DeadLetterTools.Replay(
                    KafkaCommands.Access(result), records, result.GetValue(suffix)!,
                    (record, why) => Errors.Warn($"{record.Partition}/{record.Offset}: {why}"));
                Terminal.Status(string.Create(CultureInfo.InvariantCulture, $"{sent} records sent again"));
            },
            cancellation)));
        return command;
    }

    private static IEnumerable<DeadRecord> Records(
        ParseResult result, Argument<string> topic, Option<string?> reason, CancellationToken stop) =>
        DeadLetterTools.Read(KafkaCommands.Access(result), result.GetValue(topic)!, stop)
            .Where(r => result.GetValue(reason) is not { } text || r.Error.Contains(text, StringComparison.OrdinalIgnoreCase));

    private static string Line(DeadRecord record) => string.Create(
        CultureInfo.InvariantCulture,
        $"{record.Partition}/{record.Offset,-6} {record.Written:yyyy-MM-dd HH:mm:ss}Z  {record.Key,-20} {record.Value?.Length ?? 0,8} B  "
            + $"{record.Source}  {record.Error}");

    private static string Json(DeadRecord record) => JsonSerializer.Serialize(new
    {
        partition = record.Partition,
        offset = record.Offset,
        written = record.Written,
        stream = record.Key,
        bytes = record.Value?.Length ?? 0,
        source = record.Source,
        error = record.Error,
    });

    private static Table Table(string servers, IReadOnlyList<TopicResult> topics, bool isDry)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("topic", "for", "partitions", "copies", "");
        foreach (var topic in topics)
            table.AddRow(
                Terminal.Cell(topic.Plan.Name), topic.Plan.Purpose, topic.Partitions.ToString(CultureInfo.InvariantCulture),
                topic.Replication.ToString(CultureInfo.InvariantCulture), !topic.IsNew ? "is there" : isDry ? "would be made" : "made");
        return table.Caption(Terminal.Cell(servers), Style.Plain);
    }
}
