using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using AstStream.Connectors.Files;
using AstStream.Dsp;
using AstStream.Kafka;
using AstStream.Kafka.Cluster;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Telemetry;
using AstStream.Worker.Hosting;
using Spectre.Console;

namespace AstStream.Worker.Commands;

/// <summary>kafka: load a topic with sound, look at events, see how far a group is; make topics, look at dead letters.</summary>
internal static class KafkaCommands
{
    internal static readonly Option<string> Servers = new(
        "--bootstrap-servers")
    {
        Description = "The cluster's first servers; localhost:9092 by default.",
        HelpName = "HOST:PORT",
        DefaultValueFactory = _ => "localhost:9092"
    };
    internal static readonly Option<string[]> Settings = new("--set")
    {
        Description = "A setting of librdkafka's own, NAME=VALUE; may be "
        + "given several times. It may be ${env:NAME} or ${file:PATH}, so that no secret stands in the "
        + "command line.",
        HelpName = "NAME=VALUE"
    };

    public static IEnumerable<Command> All(WorkerSettings settings)
    {
        yield return new Command(
            "kafka", "Makes topics, loads them with sound, shows events as they come, how far workers are, and what could not be used.")
        {
            KafkaAdminCommands.Topics(settings), Feed(), Tail(), Lag(), KafkaResetCommand.Create(settings),
            KafkaAdminCommands.DeadLetters(),
        };
    }

    private static Command Feed()
    {
        var files = new Argument<string[]>("FILE") { Description = "Files of sound.", Arity = ArgumentArity.OneOrMore };
        var topic = new Option<string>("--topic") { Description = "The topic.", HelpName = "T", Required = true };
        var streams = new Option<int>(
            "--streams")
        { Description = "How many streams each file becomes.", HelpName = "N", DefaultValueFactory = _ => 1 };
        var realtime = new Option<bool>(
            "--realtime")
        { Description = "Sends each block when it would be heard, not as fast as it is taken." };
        var block = new Option<int>(
            "--block")
        { Description = "Milliseconds of sound in a record.", HelpName = "MS", DefaultValueFactory = _ => 200 };
        var open = new Option<bool>("--no-end") { Description = "Does not end the streams after their last record." };
        ExecutionFlags.Validate(streams, 1, 100_000);
        ExecutionFlags.Validate(block, 10, 10_000);
        var command = Help.Add(
            new Command("feed", "Writes files to a topic as streams of sound.")
            {
                files, topic, streams, realtime, block, open, Servers, Settings,
            },
            $"""
            Records are as docs/wire-format.md says: s16le, one channel, with their sample index and time.

            Examples:
              aststream kafka feed scene.wav --topic audio
              aststream kafka feed scene.wav --topic audio --streams 64 --realtime

            {ExitCode.Help}
            """);
        command.SetAction(async (result, _) =>
        {
            var paths = result.GetValue(files)!;
            using var stop = new StopSignal();
            var options = new FeedOptions(
                result.GetValue(topic)!, result.GetValue(streams), result.GetValue(realtime), result.GetValue(block),
                !result.GetValue(open));
            return await RunAsync(async () =>
            {
                var records = await KafkaTools.FeedAsync(
                    Access(result), paths, options,
                        static async (path, cancel) => await AudioFile.OpenAsync(path, stop: cancel).ConfigureAwait(false),
                    stop.Token).ConfigureAwait(false);
                Terminal.Status(string.Create(CultureInfo.InvariantCulture, $"{records} records to {options.Topic}"));
                if (KafkaTools.PartitionAdvice(Access(result), options.Topic) is { } advice)
                    Errors.Note(advice);
            }).ConfigureAwait(false);
        });
        return command;
    }

    private static Command Tail()
    {
        var topic = new Argument<string>("TOPIC") { Description = "The topic that a kafka sink writes to." };
        var beginning = new Option<bool>("--from-beginning") { Description = "Shows those that are there already, too." };
        var end = new Option<bool>("--until-end") { Description = "Ends with the last one that is there; with --from-beginning." };
        var json = new Option<bool>("--json") { Description = "The data of each record as one line of JSON." };
        var command = Help.Add(
            new Command("tail", "Shows events as they come.") { topic, beginning, end, json, Servers, Settings },
            $"""
            Only what is committed is shown.

            Examples:
              aststream kafka tail events
              aststream kafka tail events --from-beginning --until-end --json

            {ExitCode.Help}
            """);
        command.SetAction(async (result, _) =>
        {
            using var stop = new StopSignal();
            var isJson = result.GetValue(json);
            return await RunAsync(() => Task.Run(() => KafkaTools.Tail(
                Access(result), result.GetValue(topic)!, result.GetValue(beginning) || result.GetValue(end), result.GetValue(end),
                (partition, offset, stream, data) => Terminal.Line(
                    isJson ? data?.GetRawText() ?? "null" : Line(partition, offset, stream, data)), stop.Token))).ConfigureAwait(false);
        });
        return command;
    }

    private static Command Lag()
    {
        var topics = new Argument<string[]>("TOPIC") { Description = "The topics of sound.", Arity = ArgumentArity.OneOrMore };
        var group = new Option<string>(
            "--group")
        {
            Description = "The consumer group; aststream by default.",
            HelpName = "G",
            DefaultValueFactory = _ => "aststream"
        };
        var json = new Option<bool>("--json") { Description = "One JSON object a line." };
        var command = Help.Add(
            new Command("lag", "Shows how far a group of workers is behind.") { topics, group, json, Servers, Settings },
            $"""
            The lag never falls to 0 while streams flow: the records of each stream's last window, and of open reorderings, are needed still.

            Examples:
              aststream kafka lag audio

            {ExitCode.Help}
            """);
        command.SetAction(async (result, _) =>
        {
            return await RunAsync(async () =>
            {
                var lags = await Task.Run(
                    () => KafkaTools.LagAsync(Access(result), result.GetValue(group)!, result.GetValue(topics)!)).ConfigureAwait(false);
                if (result.GetValue(json))
                    WriteJson(lags);
                else
                    Terminal.Table(Table(lags));
            }).ConfigureAwait(false);
        });
        return command;
    }

    internal static KafkaAccess Access(ParseResult result)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var setting in result.GetValue(Settings) ?? [])
        {
            var parts = setting.Split('=', 2);
            if (parts.Length != 2)
                throw new KafkaToolException($"--set {parts[0]}: expected NAME=VALUE") { IsUsage = true };
            settings[parts[0]] = Expansion.Expand(parts[1], Environment.CurrentDirectory, problem => throw new KafkaToolException(
                $"--set {parts[0]}: {problem}")
            { IsUsage = true })!;
        }

        return new KafkaAccess(result.GetValue(Servers)!, settings);
    }

    /// <summary>Runs a tool; where it fails, that is reported.</summary>
    internal static async Task<int> RunAsync(Func<Task> tool)
    {
        try
        {
            await tool().ConfigureAwait(false);
            return ExitCode.Ok;
        }
        catch (OperationCanceledException)
        {
            Errors.Write("stopped before it was done");
            return ExitCode.Failed;
        }
        catch (Exception e) when (e is KafkaToolException or InvalidAudioException)
        {
            Errors.Write(e.Message);
            return e is KafkaToolException { IsUsage: true } ? ExitCode.Invalid : ExitCode.Failed;
        }
    }

    private static void WriteJson(IReadOnlyList<PartitionLag> lags)
    {
        foreach (var lag in lags)
            Terminal.Line(JsonSerializer.Serialize(
                new
                {
                    topic = lag.Topic,
                    partition = lag.Partition,
                    committed = lag.Committed,
                    end = lag.End,
                    lag = lag.Lag,
                    behind_seconds = Behind(lag)?.TotalSeconds,
                }));
    }

    private static Table Table(IReadOnlyList<PartitionLag> lags)
    {
        var table = new Table().Border(TableBorder.Simple).AddColumns("topic", "partition", "committed", "end", "lag", "behind");
        foreach (var lag in lags)
            table.AddRow(
                Terminal.Cell(lag.Topic), Text(lag.Partition), lag.Committed is { } committed ? Text(committed) : "-", Text(lag.End),
                Text(lag.Lag), Behind(lag) is { } late ? string.Create(CultureInfo.InvariantCulture, $"{late.TotalSeconds:0.0} s") : "-");
        return table.Caption($"{lags.Sum(l => l.Lag)} records behind", Style.Plain);
    }

    /// <summary>How long ago the first record was written that is not done with.</summary>
    private static TimeSpan? Behind(PartitionLag lag) => lag.Since is not { } since ? null
        : TimeSpan.FromSeconds(Math.Max(0, (TimeProvider.System.GetUtcNow().UtcDateTime - since).TotalSeconds));

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static string Line(int partition, long offset, string stream, JsonElement? data)
    {
        var where = string.Create(CultureInfo.InvariantCulture, $"{partition}/{offset}");
        if (data is not { } json || !json.TryGetProperty("event_label", out var label))
            return $"{where,10}  {Printable.Text(stream)}  {(data is null ? "(no JSON)" : Printable.Text(data.Value.GetRawText()))}";
        double Number(string name) => json.TryGetProperty(name, out var number) && number.ValueKind == JsonValueKind.Number
            ? number.GetDouble() : double.NaN;
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{where,10}  {Number("event_onset"),9:0.00} {Number("event_offset"),9:0.00}  {Number("score"):0.00}  "
                + $"{Printable.Text(label.ToString()),-18}  "
                + $"{(json.TryGetProperty("state", out var state) ? Printable.Text(state.ToString()) : ""),-6}  {Printable.Text(stream)}");
    }
}
