using System.CommandLine;
using System.Globalization;
using AstStream.Learning.Evaluation;
using AstStream.Streaming.Pipelines;
using AstStream.Streaming.Telemetry;

namespace AstStream.Worker.Commands;

/// <summary>evaluate: how right a model is about clips, and a pipeline about events.</summary>
internal static class EvaluateCommands
{
    private static readonly double[] s_thresholds = [.. Enumerable.Range(0, 50).Select(i => (i + 0.5) / 50)]; // as DCASE's

    public static IEnumerable<Command> All(string defaultModel)
    {
        var host = new PipelineHost { Catalog = WorkerCatalog.All, DefaultModel = defaultModel };
        yield return Help.Add(
            new Command("evaluate", "Compares what is reported with what is there.")
            {
                EvaluateClips.Make(defaultModel), Events(host), EvaluateScenes.Make(),
            }, """
            Examples:
              aststream evaluate clips --view esc50 --data ESC-50/ --fold 4
              aststream evaluate events recordings.yaml --truth labels/
            """);
    }

    /// <summary>The option of commands that read labelled clips.</summary>
    public static Option<string[]> Folds() => new("--fold")
    {
        Description = "Only the clips of a fold. May be given several times.",
        HelpName = "NAME",
        DefaultValueFactory = _ => []
    };

    private static Command Events(PipelineHost host)
    {
        var file = new Argument<string>("PIPELINE.yaml") { Description = "A pipeline definition whose sources are recordings." };
        var truth = new Option<string>("--truth")
        {
            Description = "What is there: a table, or a folder of tables.",
            HelpName = "PATH",
            Required = true
        };
        var set = new Option<string[]>("--set")
        {
            Description = "Overrides a key of the definition: key=value. May be given several times.",
            HelpName = "KEY=VALUE",
            DefaultValueFactory = _ => []
        };
        var collars = new Option<string>("--collar")
        {
            Description = "How far an onset may be off, in seconds.",
            HelpName = "LIST",
            DefaultValueFactory = _ => "0.25,0.5,1,2.5"
        };
        collars.Validators.Add(r =>
        {
            if (r.Tokens.SelectMany(t => t.Value.Split(',')).Any(c => Number(c, 0, 3600) is null))
                r.AddError("--collar: expected seconds from 0 to 3600, with commas between");
        });
        var share = new Option<string>("--length-share")
        {
            Description = "How far an offset may be off where that is more than the collar: a share of the event's length.",
            HelpName = "SHARE",
            DefaultValueFactory = _ => "0.5"
        };
        share.Validators.Add(r =>
        {
            if (r.Tokens.Any(t => Number(t.Value, 0, 1) is null))
                r.AddError("--length-share: expected a number from 0 to 1");
        });
        var json = new Option<bool>("--json") { Description = "One JSON object in place of tables." };
        var html = HtmlFlag.Make();
        var command = Help.Add(
            new Command("events", "Runs a pipeline over recordings, and compares its events with what people heard.")
            {
                file, truth, set, collars, share, json, html,
            },
            $"""
            The pipeline runs without its sinks: nothing is published. A table of the truth has an onset, an offset (seconds) and a label in
            a line: DCASE's and sed_eval's forms, with file names in it or called as its recording (yard.txt, yard.wav), labels exported
            from Audacity, selection tables of Raven. A recording that no table speaks of is left out, and said. A source of a single file
            is called by the source's name.

            Measures are sed_eval's: an event is hit where one of its label begins within the collar and ends within the collar or the share
            of its length. Heard are events that one of their label overlaps at all, false those that overlap none; the errors of onsets and
            offsets are those of what was heard. The scores are kept and decoded again with one threshold for all labels, fifty times: PSDS
            (DCASE's two scenarios), and what is false where a share is heard.

            Examples:
              aststream evaluate events recordings.yaml --truth labels/
              aststream evaluate events recordings.yaml --truth truth.tsv --collar 0.2 --length-share 0.2 --set events.threshold=0.4
              aststream evaluate events recordings.yaml --truth labels/ --json > before.json
              aststream evaluate events recordings.yaml --truth labels/ --html report.html

            {ExitCode.Help}
            """);
        command.SetAction((result, stop) => RunAsync(
            host, result.GetValue(file)!, result.GetValue(set)!, result.GetValue(truth)!,
            [.. result.GetValue(collars)!.Split(',').Select(c => Number(c, 0, 3600)!.Value)], Number(result.GetValue(share)!, 0, 1)!.Value,
            result.GetValue(json), result.GetValue(html), stop));
        return command;
    }

    private static async Task<int> RunAsync(
        PipelineHost host, string file, string[] set, string path, IReadOnlyList<double> collars, double share, bool json,
        string? html, CancellationToken stop)
    {
        if (!Path.Exists(path))
        {
            Errors.Write($"--truth {path}: there is no such file or folder");
            return ExitCode.Invalid;
        }

        var truth = Truth.Read(path);
        var trial = new EventTrial();
        using var pipeline = Pipeline.Load(file, set, trial.Hear(host));
        using var report = new RunReport();
        await trial.RunAsync(pipeline, report, stop).ConfigureAwait(false);
        foreach (var error in report.Errors)
            Errors.Write(error.Message);
        var pairs = RecordingPairs.Match(truth, trial, Errors.Warn);
        if (pairs is null)
        {
            Errors.Write(
                $"no recording of {file} is one of {path}: heard {Some(trial.Seconds.Keys)}; the truth speaks of {Some(truth.Files)}");
            return ExitCode.Failed;
        }

        var known = pipeline.Checkpoints.SelectMany(c => c.Config.Labels);
        foreach (var label in pairs.Truth.Events.Select(e => e.Label).Distinct().Except(known))
            Errors.Warn($"{path}: no model has the label '{label}': its events count as missed");
        if (!trial.CanReplay)
            Errors.Note("there are too many scores to keep them: PSDS and other thresholds are left out");
        var compared = EventReport.Make(
            pairs.Truth, pairs.Reported, pairs.Hours, collars, share,
            trial.CanReplay ? [.. s_thresholds.Select(t => (t, pairs.Of(trial.Replay(t))))] : []);
        var rate = report.Windows / trial.Seconds.Values.Sum();
        Terminal.Lines(
            json ? EventTables.Json(compared, rate) : EventTables.Text(compared, rate, pairs.Truth.Files.Count, report.Models));
        if (!HtmlFlag.Write(html, () => EventHtml.Page(compared, pairs, file, rate, report.Models)))
            return ExitCode.Failed;
        return report.Errors.Count > 0 ? ExitCode.InputsFailed : ExitCode.Ok;
    }

    private static string Some(IEnumerable<string> names)
    {
        List<string> all = [.. names.Order(StringComparer.Ordinal)];
        return all.Count == 0 ? "nothing" : $"{string.Join(", ", all.Take(3))}{(all.Count > 3 ? $" and {all.Count - 3} more" : "")}";
    }

    private static double? Number(string text, double min, double max) =>
        double.TryParse(text.Trim(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var n) && n >= min && n <= max
            ? n : null;
}
