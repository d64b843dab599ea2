using System.CommandLine;
using System.Globalization;
using AstStream.Connectors.Terminal;
using AstStream.Dsp;
using AstStream.Events;
using AstStream.Events.Json;
using AstStream.Model.Checkpoints;
using AstStream.Station;
using AstStream.Station.Web;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Pipelines;
using AstStream.Streaming.Telemetry;
using AstStream.Worker.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Systemd;
using Microsoft.Extensions.Logging;

namespace AstStream.Worker.Commands;

/// <summary>run, validate, graph, schema.</summary>
internal static class PipelineCommands
{
    private static readonly TimeSpan s_lastWords = TimeSpan.FromMilliseconds(500); // for the log, before a process that hangs ends

    public static IEnumerable<Command> All(WorkerSettings settings)
    {
        var host = settings.Host;
        var file = new Argument<string>("PIPELINE.yaml") { Description = "The pipeline definition." };
        var set = new Option<string[]>("--set")
        {
            Description = "Overrides a value of the definition: --set events.threshold=0.4. Can be given several times.",
            HelpName = "key=value",
            DefaultValueFactory = _ => [],
        };

        var quiet = new Option<bool>("--no-summary") { Description = "Leaves out the summary at the end." };
        var fixedFile = new Option<bool>(
            "--no-watch")
        { Description = "Does not look whether the definition was edited; SIGHUP still reloads it." };
        var keep = new Option<bool>("--keep-page")
        {
            Description = "Serves the page of the pipeline's station after all sources have ended, too, until Ctrl-C.",
        };
        var format = new Option<string>("--log-format")
        {
            Description = "How the log is written: text, or json for one JSON object a "
            + "line. Times are UTC.",
            DefaultValueFactory = _ => settings.Format
        };
        ExecutionFlags.OneOf(format, EnumWords.All<LogFormat>());
        var level = new Option<string>("--log-level")
        {
            Description = "The least of what is logged: debug, note, warning or error.",
            DefaultValueFactory = _ => settings.Level
        };
        ExecutionFlags.OneOf(level, [.. WorkerSettings.Levels.Keys]);
        var run = Help.Add(new Command("run", "Runs a pipeline.") { file, set, quiet, fixedFile, keep, format, level }, $"""
            Ends by itself when all its sources have ended. Ctrl-C (or SIGTERM) drains: what was heard is scored and written, for
            at most 30 s; Ctrl-C again (half a second later or more) stops at once. Events go to the pipeline's sinks;
            the summary and errors to standard error.

            When the definition is edited, or on SIGHUP, it is read again: models, thresholds, labels, sources and sinks change without a
            restart; a definition that is wrong is refused and the run goes on.
            Metrics are exported by OTLP where OTEL_EXPORTER_OTLP_ENDPOINT says.

            Examples:
              aststream run pipelines/demo.yaml
              aststream run pipelines/demo.yaml --set events.threshold=0.6 --set sources.scene.pace=realtime
              aststream run pipelines/microphone.yaml --set sources.mic.device=USB
              aststream run pipelines/kafka.yaml --log-format json --log-level warning

            {ExitCode.Help}
            """);
        run.SetAction((result, _) => RunAsync(host, result.GetValue(file)!, new RunFlags(
            result.GetValue(set)!,
            !result.GetValue(quiet),
            !result.GetValue(fixedFile),
            result.GetValue(keep),
            EnumWords.Parse<LogFormat>(result.GetValue(format)!),
            WorkerSettings.Levels[result.GetValue(level)!],
            settings.Endpoint)));

        var validate = Help.Add(new Command("validate", "Checks a pipeline definition and its model.") { file, set }, """
            Nothing is run. All problems are reported at once, with line and column.

            Example:
              aststream validate pipelines/demo.yaml
            """);
        validate.SetAction(result =>
        {
            using var pipeline = Pipeline.Load(result.GetValue(file)!, result.GetValue(set)!, host);
            Terminal.Line($"{Printable.Text(result.GetValue(file)!)}: ok");
            return ExitCode.Ok;
        });

        var mermaid = new Option<bool>("--mermaid") { Description = "Only the Mermaid flowchart." };
        var graph = Help.Add(
            new Command("graph", "Shows the dataflow of a pipeline as text and as a Mermaid flowchart.") { file, set, mermaid },
            """
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
                Terminal.Lines(built.ToText() + "\n");
            Terminal.Lines(built.ToMermaid());
            return ExitCode.Ok;
        });

        var what = new Argument<string>(
            "WHAT")
        {
            Description = "pipeline (the default); keys, the same as a page; event, coverage, scores or review, the data of records.",
            DefaultValueFactory = _ => "pipeline"
        };
        what.AcceptOnlyFromAmong(["pipeline", "keys", .. RecordSchema.Records]);
        var schema = Help.Add(
            new Command("schema", "Prints the JSON Schema of pipeline definitions, or of published records.") { what },
            """
            For editors that check YAML and complete keys, and for who reads events.

            Examples:
              aststream schema > pipeline.schema.json
              aststream schema keys > pipelines.md
              aststream schema event
            """);
        schema.SetAction(result =>
        {
            var record = result.GetValue(what)!;
            Terminal.Lines(record switch
            {
                "pipeline" => PipelineSchema.Generate(WorkerCatalog.All),
                "keys" => PipelineReference.Generate(WorkerCatalog.All),
                _ => RecordSchema.Of(record),
            });
            return ExitCode.Ok;
        });
        return [run, validate, graph, schema];
    }

    private static async Task<int> RunAsync(PipelineHost host, string file, RunFlags flags)
    {
        var signals = RunSignals.Install();
        var log = new LineLogger(flags.Format, flags.Level, TimeProvider.System);
        HangGuard.Hung += what =>
        {
            log.Hung(what);
            HardExit.Arm(s_lastWords, ExitCode.Hung);
        };
        using var pipeline = Pipeline.Load(file, flags.Settings, host);
        var station = SoundStation.Of(pipeline, TimeProvider.System);
        var notifier = Notifications.Of(pipeline, station, TimeProvider.System);
        using var app = BuildHost(pipeline, file, flags, signals, log);
        var report = app.Services.GetRequiredService<RunReport>();
        notifier?.Watch(report);
        var files = OpenFiles.Least + ((long)OpenFiles.PerSource * pipeline.SourceCount);
        if (OpenFiles.Limit < files)
            report.Warn("run", $"at most {OpenFiles.Limit} files may be open at once (ulimit -n, or LimitNOFILE= of a unit), and "
                + $"{pipeline.SourceCount} sources may take {files}: those that find none left fail");
        using var exporter = MetricsExport.Start(flags.Endpoint, log);
        var service = app.Services.GetRequiredService<PipelineService>();
        using var control = new PipelineControl(
            app.Services.GetRequiredService<PipelineRun>(), app.Services.GetRequiredService<Reloader>(), file,
            host.DefaultModel);
        await using var page = await ServeAsync(station, app.Services, control, log).ConfigureAwait(false);
        await app.StartAsync(CancellationToken.None).ConfigureAwait(false);
        await app.WaitForShutdownAsync(CancellationToken.None).ConfigureAwait(false); // and not RunAsync, which disposes what is read below
        var code = service.ExitCode;
        if (flags.HasSummary && service.HasEnded)
            WriteSummary(report, service.Elapsed);
        if (flags.KeepsPage && page is not null && !signals.Stop.IsCancellationRequested)
        {
            Terminal.Status("the run has ended, the page stays; Ctrl-C ends it");
            await Task.Delay(Timeout.Infinite, signals.Stop).ContinueWith(_ => { }, TaskScheduler.Default).ConfigureAwait(false);
        }

        return code;
    }

    /// <summary>Serves the page of a station, where the pipeline has one.</summary>
    private static async Task<IAsyncDisposable?> ServeAsync(
        SoundStation? station, IServiceProvider services, PipelineControl control, LineLogger log)
    {
        if (station is null)
            return null;
        var (report, graph) = (services.GetRequiredService<RunReport>(), services.GetRequiredService<DataflowGraph>());
        var version = typeof(PipelineCommands).Assembly.GetName().Version?.ToString(3) ?? "";
        var run = new RunState(report, () => graph.Started.IsCompletedSuccessfully, () => graph.Edges, version, control);
        if (await station.ServeAsync(run, new LineLoggerProvider(log), CancellationToken.None).ConfigureAwait(false) is not { } page)
            return null;
        report.Note("station", $"the page is at {page.Address}/");
        return page.Server;
    }

    /// <summary>The host of a run: one log, one life, the pipeline, and systemd where it has started the process.</summary>
    private static IHost BuildHost(Pipeline pipeline, string file, RunFlags flags, RunSignals signals, LineLogger log)
    {
        var builder = Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings { ContentRootPath = AppContext.BaseDirectory });
        builder.Logging.AddProvider(new LineLoggerProvider(log)).SetMinimumLevel(flags.Level).AddFilter("Microsoft", LogLevel.Warning);
        builder.Services
            .Configure<HostOptions>(o => o.ShutdownTimeout = Timeout.InfiniteTimeSpan) // the signals have deadlines
            .AddSingleton<IHostLifetime, GivenLifetime>()
            .AddSingleton(signals)
            .AddSingleton(TimeProvider.System)
            .AddSingleton(s => new RunReport(s.GetRequiredService<ILogger<RunReport>>()))
            .AddSingleton(s => pipeline.Build(s.GetRequiredService<RunReport>(), signals.Stop))
            .AddSingleton(s => s.GetRequiredService<PipelineRun>().Graph)
            .AddSingleton(s => new ProgressWatch(s.GetRequiredService<RunReport>(), () => s.GetRequiredService<DataflowGraph>().Edges))
            .AddSingleton(s => new Reloader(
                s.GetRequiredService<PipelineRun>(), file, flags.Settings, s.GetRequiredService<RunReport>(), signals.Hangup))
            .AddSingleton(s => ActivatorUtilities.CreateInstance<PipelineService>(s, flags.Watches))
            .AddHostedService(s => s.GetRequiredService<PipelineService>());
        if (!string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NOTIFY_SOCKET")))
            builder.Services.AddSingleton<ISystemdNotifier, SystemdNotifier>().AddHostedService<SystemdService>();
        return builder.Build();
    }

    private static void WriteSummary(RunReport report, TimeSpan elapsed)
    {
        var seconds = elapsed.TotalSeconds;
        var models = report.Models.Count == 0 ? "none" : string.Join("\n                  ", report.Models.Select(Printable.Text));
        Terminal.Status(string.Create(
            CultureInfo.InvariantCulture,
            $"""

            model             {models}
            streams           {report.Streams}{(report.Errors.Count > 0 ? $", {report.Errors.Count} errors" : "")}
            sound             {report.AudioSeconds:0.0} s
            windows           {report.Windows} in {report.Batches} batches
            elapsed           {seconds:0.00} s{Speed(report, seconds)}
            events            {report.Events.Sum(e => e.Value)}
            """));
        foreach (var (model, totals) in report.CoverageByModel)
            Terminal.Status($"coverage          {(report.CoverageByModel.Count > 1 ? model + ": " : "")}{Covered(totals)}");
        foreach (var (sink, dropped) in report.DroppedBySink)
            Terminal.Status(string.Create(CultureInfo.InvariantCulture, $"{"dropped",-17} {sink}: {dropped} records"));
        List<(string Label, long Count)> events = [.. report.Events.Select(e => (Printable.Text(e.Key), e.Value))];
        var width = Math.Max(16, events.Select(e => e.Label.Length + 1).DefaultIfEmpty().Max());
        foreach (var (label, count) in events)
            Terminal.Status(string.Create(CultureInfo.InvariantCulture, $"  {label.PadRight(width)}{count}"));
    }

    /// <summary>How much faster than time it went; live sound comes as fast as time does, and says nothing of that.</summary>
    private static string Speed(RunReport report, double seconds) => report.HasLive || report.AudioSeconds == 0 ? "" : string.Create(
        CultureInfo.InvariantCulture,
            $"\nreal-time factor  {seconds / report.AudioSeconds:0.0000} ({report.AudioSeconds / seconds:0.#} times real time)");

    /// <summary>How a run is started.</summary>
    private sealed record RunFlags(
        string[] Settings, bool HasSummary, bool Watches, bool KeepsPage, LogFormat Format, LogLevel Level, Uri? Endpoint);

    /// <summary>What became of the streams' time, its parts adding up to the whole.</summary>
    private static string Covered(CoverageTotals totals)
    {
        static string Seconds(long samples) => string.Create(CultureInfo.InvariantCulture, $"{FbankOptions.Seconds(samples):0.0} s");
        List<string> parts = [$"analysed {Seconds(totals.Analysed)}"];
        if (totals.Gated > 0)
            parts.Add($"gated {Seconds(totals.Gated)}");
        parts.AddRange(
            Enum.GetValues<LossReason>().Where(r => totals.LostTo(r) > 0).Select(
            r => $"lost ({r.SnakeCase()}) {Seconds(totals.LostTo(r))}"));
        return $"{Seconds(totals.Total)}: {string.Join(", ", parts)}";
    }
}
