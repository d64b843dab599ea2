using System.CommandLine;
using System.Globalization;
using AstStream.Events;
using AstStream.Station.Store;
using AstStream.Streaming.Definitions;
using Spectre.Console;

namespace AstStream.Worker.Commands;

/// <summary>events, levels, review, store: what a store has, and its care.</summary>
internal static class StoreCommands
{
    private const int MostShown = 100;
    private const int MostNames = 500; // in a question
    private const int ShownDigits = 8; // of an id: enough to name it
    public const string DefaultStore = "station/events.db";

    private static readonly Dictionary<string, ReviewVerdict?> s_verdicts = new(StringComparer.Ordinal)
    {
        ["none"] = null,
        ["right"] = ReviewVerdict.Right,
        ["wrong"] = ReviewVerdict.Wrong,
        ["other_label"] = ReviewVerdict.OtherLabel,
    };

    private static readonly Dictionary<string, Action<IEnumerable<StoredEvent>, TextWriter>> s_forms = new(StringComparer.Ordinal)
    {
        ["csv"] = EventFormats.Csv,
        ["json"] = EventFormats.Json,
        ["raven"] = (e, o) => EventFormats.Raven(e, o),
        ["audacity"] = EventFormats.Audacity,
    };

    /// <param name="defaultModel">The default model's folder.</param>
    public static IEnumerable<Command> All(string defaultModel)
    {
        yield return Events();
        yield return ReviewCommand.Make();
        yield return LevelCommand.Make();
        var check = new Command("check", "Says what a store holds, and whether it is sound.");
        var vacuum = new Command("vacuum", "Gives the room of removed events back to the disk; no run may use the store.");
        var backup = new Command("backup", "Copies a store as it is at one moment, also while a run writes to it.");
        var (file, to) = (Store(), new Argument<string>("TO") { Description = "The copy's file." });
        foreach (var command in (Command[])[check, vacuum, backup])
        {
            command.Arguments.Add(file);
            Help.Add(command, ExitCode.Help);
        }

        backup.Arguments.Add(to);
        check.SetAction(result => Guarded(() => Show(result.GetValue(file)!)));
        vacuum.SetAction(result => Guarded(() =>
        {
            StoreCare.Vacuum(result.GetValue(file)!);
            return ExitCode.Ok;
        }));
        backup.SetAction(result => Guarded(() =>
        {
            StoreCare.Backup(result.GetValue(file)!, result.GetValue(to)!);
            return ExitCode.Ok;
        }));
        var embed = EmbedCommand.Make(defaultModel);
        yield return Help.Add(new Command("store", "Looks after a store of events.") { check, vacuum, backup, embed }, $"""
            Examples:
              aststream store check {DefaultStore}
              aststream store backup {DefaultStore} events-2026-11.db
              aststream store embed station/ --model models/site

            {ExitCode.Help}
            """);
    }

    /// <summary>The store of a command that has no other argument.</summary>
    public static Argument<string> Store() => new("STORE")
    {
        Description = "The SQLite file of a sink of 'type: store'.",
        DefaultValueFactory = _ => DefaultStore,
    };

    /// <summary>The store of a command that has another argument.</summary>
    public static Option<string> StoreOption() => new("--store")
    {
        Description = "The SQLite file of a sink of 'type: store'.",
        HelpName = "STORE",
        DefaultValueFactory = _ => DefaultStore,
    };

    /// <summary>From when on, for <see cref="Time"/>.</summary>
    public static Option<string?> Since() => TimeOption("--since", "Only from then on: 90m, 1d, or a date and time.");

    /// <summary>Until when, for <see cref="Time"/>.</summary>
    public static Option<string?> Until() => TimeOption("--until", "Only before then.");

    private static Option<string?> TimeOption(string name, string description)
    {
        var option = new Option<string?>(name) { Description = description, HelpName = "TIME" };
        option.Validators.Add(r =>
        {
            if (r.Tokens.Any(t => Time(t.Value) is null))
                r.AddError($"{name} {r.Tokens[0].Value}: expected 90m, 1d, or a date and time such as 2026-11-26 or 2026-11-26T14:00");
        });
        return option;
    }

    private static Command Events()
    {
        var store = Store();
        var labels = new Option<string[]>("--label")
        {
            Description = "Only events of a label. May be given several times.",
            HelpName = "LABEL",
        };
        var streams = new Option<string[]>("--stream")
        {
            Description = "Only those of a stream; * stands for anything. May be given several times.",
            HelpName = "NAME",
        };
        var (since, until) = (Since(), Until());
        var score = new Option<double>("--min-score") { Description = "Only from that score on.", HelpName = "SCORE" };
        var verdicts = new Option<string[]>("--verdict")
        {
            Description = "Only those that people found so: right, wrong, other_label, or none who nobody reviewed. May be given several "
                + "times.",
            HelpName = "VERDICT",
        };
        ExecutionFlags.OneOf(verdicts, [.. s_verdicts.Keys]);
        var limit = new Option<int?>("--limit")
        {
            Description = $"The latest so many; {MostShown} for a table, all for the other forms.",
            HelpName = "N",
        };
        ExecutionFlags.Validate(limit, 1, 1_000_000_000);
        var days = new Option<bool>("--days") { Description = "How many each day has, by label, in place of single ones." };
        Dictionary<string, Option<bool>> forms = s_forms.Keys.ToDictionary(f => f, f => new Option<bool>($"--{f}")
        {
            Description = f switch
            {
                "csv" => "Comma-separated values.",
                "json" => "The JSON object that sinks publish, one a line.",
                "raven" => "A selection table for Raven.",
                _ => "A label track for Audacity, of one stream.",
            },
        });
        var command = Help.Add(
            new Command("events", "Shows the events of a store.")
            {
                store, labels, streams, since, until, score, verdicts, limit, days,
            }, $"""
            Times without a zone are this machine's. An event of a recording whose time is not known has the time when it was stored.

            Examples:
              aststream events {DefaultStore} --label Dog --since 1d
              aststream events {DefaultStore} --since 2026-11-01 --until 2026-12-01 --csv > november.csv
              aststream events {DefaultStore} --stream yard.wav --audacity > yard.txt
              aststream events {DefaultStore} --since 7d --days
              aststream events {DefaultStore} --verdict right --verdict other_label --raven > truth.txt

            {ExitCode.Help}
            """);
        foreach (var form in forms.Values)
            command.Options.Add(form);
        command.Validators.Add(r =>
        {
            if (forms.Values.Append(days).Count(f => r.GetResult(f) is not null) > 1)
                r.AddError("expected one of --" + string.Join(", --", [.. s_forms.Keys, "days"]));
        });
        score.Validators.Add(r =>
        {
            if (r.Tokens.Any(t => !(double.TryParse(t.Value, CultureInfo.InvariantCulture, out var s) && s is >= 0 and <= 1)))
                r.AddError($"{score.Name}: expected a score from 0 to 1");
        });
        foreach (var option in (Option<string[]>[])[labels, streams])
            option.Validators.Add(r =>
            {
                if (r.Tokens.Count > MostNames)
                    r.AddError($"{option.Name}: found {r.Tokens.Count} of them; expected at most {MostNames}");
            });
        command.SetAction(result => Guarded(() =>
        {
            using var reader = StoreReader.Open(result.GetValue(store)!);
            var form = forms.FirstOrDefault(f => result.GetValue(f.Value)).Key;
            var query = new EventQuery
            {
                Labels = result.GetValue(labels) ?? [],
                Streams = result.GetValue(streams) ?? [],
                Since = Time(result.GetValue(since)),
                Until = Time(result.GetValue(until)),
                MinScore = result.GetValue(score),
                Verdicts = [.. (result.GetValue(verdicts) ?? []).Select(v => s_verdicts[v])],
                Limit = result.GetValue(limit) ?? (form is null ? MostShown : null),
            };
            CheckLabels(reader, query);
            if (result.GetValue(days))
                return ShowDays(reader, query);
            if (form is null)
                return ShowTable(reader, query);
            var events = reader.Events(query);
            if (form == "audacity" && events.Select(e => e.Event.Stream.Id).Distinct().Take(2).Count() > 1)
                throw new StoreException("the events are of several streams, and a label track is of one; expected --stream NAME");
            using var output = new StreamWriter(Console.OpenStandardOutput(), Console.OutputEncoding);
            s_forms[form](events, output);
            return ExitCode.Ok;
        }));
        return command;
    }

    private static void CheckLabels(StoreReader reader, EventQuery query)
    {
        if (query.Labels.Count == 0)
            return;
        var known = reader.Labels();
        foreach (var label in query.Labels.Where(l => !known.Contains(l)))
            Errors.Warn($"the store has no events of the label '{label}'{Nearest.Hint(label, [.. known])}");
    }

    private static int ShowTable(StoreReader reader, EventQuery query)
    {
        var events = reader.Events(query).ToList();
        if (events.Count == 0)
        {
            Errors.Note("no event of the store is as asked for");
            return ExitCode.Ok;
        }

        var table = new Table { Border = TableBorder.Rounded }.AddColumns("id", "time", "stream", "label", "score", "seconds");
        table.Columns[4].RightAligned();
        table.Columns[5].RightAligned();
        if (events.Any(e => e.Review is not null))
            table.AddColumn("review");
        foreach (var (e, time, isTimeKnown, review) in events)
        {
            var place = TimeSpan.FromSeconds(e.Onset).ToString(@"d\.hh\:mm\:ss\.ff", CultureInfo.InvariantCulture);
            var shown = isTimeKnown ? Shown(time)
                : place.StartsWith("0.", StringComparison.Ordinal) ? place[2..] : place;
            string[] cells =
            [
                Terminal.Cell(e.Id[..Math.Min(e.Id.Length, ShownDigits)]), Terminal.Cell(shown), Terminal.Cell(e.Stream.Id),
                Terminal.Cell(e.Label), e.Score.ToString("0.00", CultureInfo.InvariantCulture),
                (e.Offset - e.Onset).ToString("0.0", CultureInfo.InvariantCulture) + (e.State == EventState.Opened ? "+" : ""),
                Terminal.Cell(review?.Label ?? review?.Verdict.SnakeCase() ?? ""),
            ];
            table.AddRow(cells[..table.Columns.Count]);
        }

        Terminal.Table(table);
        if (events.Count == query.Limit)
            Errors.Note($"the latest {events.Count}; --limit N shows more");
        return ExitCode.Ok;
    }

    private static int ShowDays(StoreReader reader, EventQuery query)
    {
        if (query.Verdicts.Count > 0 || query.MinScore > 0 || query.Streams.Count > 1
            || query.Streams.Any(s => s.Contains('*', StringComparison.Ordinal)))
            throw new StoreException(
                "--days counts all streams or one, and all scores and verdicts; expected at most one --stream, no --min-score and no "
                    + "--verdict");
        DateOnly Day(DateTimeOffset? time, DateOnly other) => time is { } t ? DateOnly.FromDateTime(t.LocalDateTime) : other;
        var (first, last) = (Day(query.Since, DateOnly.MinValue), Day(query.Until?.AddTicks(-1), DateOnly.MaxValue));
        var days = reader.Days(first, last, query.Streams is [var one] ? one : null);
        var table = new Table { Border = TableBorder.Rounded }.AddColumns("day", "label", "events", "seconds");
        table.Columns[2].RightAligned();
        table.Columns[3].RightAligned();
        foreach (var day in days.Where(d => query.Labels.Count == 0 || query.Labels.Contains(d.Label)))
            table.AddRow(
                day.Day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), Terminal.Cell(day.Label), $"{day.Events}",
                day.Seconds.ToString("0.0", CultureInfo.InvariantCulture));
        Terminal.Table(table);
        return ExitCode.Ok;
    }

    private static int Show(string path)
    {
        var check = StoreCare.Check(path);
        if (check.Problems.Count > 0)
        {
            foreach (var problem in check.Problems)
                Errors.Write($"{path}: {problem}");
            return ExitCode.Failed; // what it holds can't be counted on
        }

        Terminal.Line(string.Create(
            CultureInfo.InvariantCulture,
            $"{path}: version {check.Version}, {check.Events:N0} events of {check.Labels:N0} labels in {check.Streams:N0} streams, ")
                + string.Create(CultureInfo.InvariantCulture, $"{check.Coverage:N0} intervals of coverage"));
        if (check.Times is { } times)
            Terminal.Line($"from {Shown(times.First)} to {Shown(times.Last)}");
        Terminal.Line(string.Create(
            CultureInfo.InvariantCulture, $"{check.Bytes / 1e6:0.0} MB, of which a vacuum gives back {check.FreeBytes / 1e6:0.0} MB"));
        Terminal.Line("sound");
        return ExitCode.Ok;
    }

    /// <summary>A time as people read it here.</summary>
    public static string Shown(DateTimeOffset time) => time.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    /// <summary>A time, or a span before now; null where it is neither.</summary>
    public static DateTimeOffset? Time(string? text) =>
        text is null ? null
        : Keys.ParseDuration(text) is { } span && span < TimeSpan.FromDays(36_500) ? TimeProvider.System.GetUtcNow() - span
        : text.Contains('-', StringComparison.Ordinal)
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out var time)
            && time.Year is > 1970 and < 9000 ? time : null;

    /// <summary>Runs a command over a store; what is wrong with that is said.</summary>
    public static int Guarded(Func<int> work)
    {
        try
        {
            return work();
        }
        catch (StoreException e)
        {
            return Said(e);
        }
    }

    /// <summary>Says what is wrong with a store; gives what the process returns then.</summary>
    public static int Said(StoreException e)
    {
        Errors.Write(e.Message);
        return e.IsTransient ? ExitCode.Failed : ExitCode.Invalid;
    }
}
