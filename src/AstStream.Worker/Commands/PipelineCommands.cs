using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using AstStream.Connectors;
using AstStream.Connectors.Kafka;
using AstStream.Dsp;
using AstStream.Streaming;
using AstStream.Streaming.Pipelines;

namespace AstStream.Worker.Commands;

/// <summary>run, validate, graph, schema.</summary>
internal static class PipelineCommands
{
    private static readonly TimeSpan s_drainDeadline = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_hardDeadline = TimeSpan.FromSeconds(2);

    public static IEnumerable<Command> All(string defaultModel)
    {
        var host = new PipelineHost { Catalog = ConnectorCatalog.All, DefaultModel = defaultModel };
        var file = new Argument<string>("PIPELINE.yaml") { Description = "The pipeline definition." };
        var set = new Option<string[]>("--set")
        {
            Description = "Overrides a value of the definition: --set events.threshold=0.4. Can be given several times.",
            HelpName = "key=value",
            DefaultValueFactory = _ => [],
        };

        var quiet = new Option<bool>("--no-summary") { Description = "Leaves out the summary at the end." };
        var fixedFile = new Option<bool>("--no-watch") { Description = "Does not look whether the definition was edited; SIGHUP still reloads it." };
        var run = Help.Add(new Command("run", "Runs a pipeline.") { file, set, quiet, fixedFile }, $"""
            Ends by itself when all its sources have ended. Ctrl-C (or SIGTERM) drains: what was heard is scored and written, for
            at most 30 s; Ctrl-C again stops at once. Events go to the pipeline's sinks; the summary and errors to standard error.

            When the definition is edited, or on SIGHUP, it is read again: thresholds, labels, sources and sinks change without a restart; a
            definition that is wrong is refused and the run goes on. Metrics are exported by OTLP where OTEL_EXPORTER_OTLP_ENDPOINT says.

            Examples:
              aststream run pipelines/demo.yaml
              aststream run pipelines/demo.yaml --set events.threshold=0.6 --set sources.scene.pace=realtime
              aststream run pipelines/microphone.yaml --set sources.mic.device=USB

            {ExitCode.Help}
            """);
        run.SetAction((result, _) => RunAsync(host, result.GetValue(file)!, result.GetValue(set)!, !result.GetValue(quiet), !result.GetValue(fixedFile)));

        var validate = Help.Add(new Command("validate", "Checks a pipeline definition and its model.") { file, set }, """
            Nothing is run. All problems are told at once, with line and column.

            Example:
              aststream validate pipelines/demo.yaml
            """);
        validate.SetAction(result =>
        {
            using var pipeline = Pipeline.Load(result.GetValue(file)!, result.GetValue(set)!, host);
            Console.Out.WriteLine($"{result.GetValue(file)}: ok");
            return ExitCode.Ok;
        });

        var mermaid = new Option<bool>("--mermaid") { Description = "Only the Mermaid flowchart." };
        var graph = Help.Add(new Command("graph", "Shows the dataflow of a pipeline as text and as a Mermaid flowchart.") { file, set, mermaid }, """
            Examples:
              aststream graph pipelines/demo.yaml
              aststream graph pipelines/demo.yaml --mermaid > demo.mmd
            """);
        graph.SetAction(result =>
        {
            using var pipeline = Pipeline.Load(result.GetValue(file)!, result.GetValue(set)!, host);
            using var report = new RunReport();
            var built = pipeline.Build(report, CancellationToken.None).Graph;
            if (!result.GetValue(mermaid))
                Console.Out.WriteLine(built.ToText());
            Console.Out.Write(built.ToMermaid());
            return ExitCode.Ok;
        });

        var what = new Argument<string>("WHAT") { Description = "pipeline (the default); event or coverage, the data of what kafka sinks publish.", DefaultValueFactory = _ => "pipeline" };
        what.AcceptOnlyFromAmong(["pipeline", .. RecordSchema.Records]);
        var schema = Help.Add(new Command("schema", "Prints the JSON Schema of pipeline definitions, or of published records.") { what }, """
            For editors that check YAML and complete keys, and for who reads events.

            Examples:
              aststream schema > pipeline.schema.json
              aststream schema event
            """);
        schema.SetAction(result =>
        {
            var record = result.GetValue(what)!;
            Console.Out.Write(record == "pipeline" ? PipelineSchema.Generate(ConnectorCatalog.All) : RecordSchema.Of(record));
            return ExitCode.Ok;
        });
        return [run, validate, graph, schema];
    }

    private static async Task<int> RunAsync(PipelineHost host, string file, string[] settings, bool summary, bool watch)
    {
        // Not disposed: a signal may come while the run ends.
        var stop = new CancellationTokenSource();
        var cancel = new CancellationTokenSource();
        var signals = 0;

        // A call that blocks for good (a terminal that is held, a mount that hangs) must not make the process immortal.
        using var hard = cancel.Token.Register(() => Task.Delay(s_hardDeadline).ContinueWith(_ => Environment.Exit(ExitCode.Stopped), TaskScheduler.Default));
        void OnSignal(PosixSignalContext context)
        {
            context.Cancel = true;

            // Decided before anything that takes time: the second signal may come while the first one is being answered.
            if (Interlocked.Exchange(ref signals, 1) > 0)
            {
                cancel.Cancel();
                return;
            }

            Console.Error.WriteLine($"{(Console.IsErrorRedirected ? "" : "\n")}draining: what was heard is scored and written; Ctrl-C again stops at once");
            cancel.CancelAfter(s_drainDeadline);
            stop.Cancel();
        }

        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        using var pipeline = Pipeline.Load(file, settings, host);
        using var report = new RunReport(new LineLogger());
        using var exporter = MetricsExport.Start();
        var run = pipeline.Build(report, stop.Token);
        using var ended = new CancellationTokenSource();
        var reloading = new Reloader(run, file, settings, report).RunAsync(watch, ended.Token);
        var clock = Stopwatch.StartNew();
        try
        {
            await run.RunAsync(cancel.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            Errors.Write("stopped without draining: the last sound was not scored");
            return ExitCode.Stopped;
        }
        catch (Exception e) when (e is NodeFaultException or SinkException)
        {
            Errors.Write(e.Message);
            return ExitCode.Failed;
        }
        finally
        {
            await ended.CancelAsync().ConfigureAwait(false);
            await reloading.ConfigureAwait(false);
        }

        if (summary)
            WriteSummary(report, clock.Elapsed);
        return report.Errors.Count > 0 ? ExitCode.InputsFailed : ExitCode.Ok;
    }

    private static void WriteSummary(RunReport report, TimeSpan elapsed)
    {
        var seconds = elapsed.TotalSeconds;
        Console.Error.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"""

            model             {(report.Models.Count == 0 ? "none" : string.Join("\n                  ", report.Models))}
            streams           {report.Streams}{(report.Errors.Count > 0 ? $", {report.Errors.Count} errors" : "")}
            sound             {report.AudioSeconds:0.0} s
            windows           {report.Windows} in {report.Batches} batches
            elapsed           {seconds:0.00} s
            real-time factor  {(report.AudioSeconds > 0 ? seconds / report.AudioSeconds : 0):0.0000} ({report.AudioSeconds / seconds:0} times real time)
            events            {report.Events.Sum(e => e.Value)}
            """));
        foreach (var (model, totals) in report.CoverageByModel)
            Console.Error.WriteLine($"coverage          {(report.CoverageByModel.Count > 1 ? model + ": " : "")}{Covered(totals)}");
        var width = Math.Max(16, report.Events.Select(e => e.Key.Length + 1).DefaultIfEmpty().Max());
        foreach (var (label, count) in report.Events)
            Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {label.PadRight(width)}{count}"));
    }

    /// <summary>What became of the streams' time, its parts adding up to the whole.</summary>
    private static string Covered(CoverageTotals totals)
    {
        static string Seconds(long samples) => string.Create(CultureInfo.InvariantCulture, $"{FbankOptions.Seconds(samples):0.0} s");
        List<string> parts = [$"analysed {Seconds(totals.Analysed)}"];
        if (totals.Gated > 0)
            parts.Add($"gated {Seconds(totals.Gated)}");
        parts.AddRange(Enum.GetValues<LossReason>().Where(r => totals.LostTo(r) > 0).Select(r => $"lost ({r.SnakeCase()}) {Seconds(totals.LostTo(r))}"));
        return $"{Seconds(totals.Total)}: {string.Join(", ", parts)}";
    }
}
