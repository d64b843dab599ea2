using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Parsing;
using System.Text;
using AstStream.Connectors.Capture;
using AstStream.Connectors.Hub;
using AstStream.Connectors.Terminal;
using AstStream.Dsp;
using AstStream.Dsp.Simd;
using AstStream.Learning.Evaluation;
using AstStream.Learning.Training;
using AstStream.Model.Checkpoints;
using AstStream.Model.Runtime;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Sinks;
using AstStream.Worker;
using AstStream.Worker.Commands;
using AstStream.Worker.Hosting;
using AstStream.Worker.Setup;

if (CaptureProcess.IsMeant(args))
    CaptureProcess.Run(args);

if (!OpenFiles.AreEnough())
    return ExitCode.Failed;

// First of all: no file of this process may become a standard stream, and no signal may end a run that has not begun yet.
BackgroundWriter.Start();
if (args is ["run", ..])
    RunSignals.Install();

// Streams of events are read by other programs: UTF-8 without a byte order mark, lines ended by \n.
Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);

var code = await MainAsync(args).ConfigureAwait(false);
await BackgroundWriter.Error.DrainAsync(TimeSpan.FromSeconds(1), CancellationToken.None).ConfigureAwait(false);
return code;

static async Task<int> MainAsync(string[] args)
{
    WorkerSettings settings;
    try
    {
        settings = WorkerSettings.Read();
    }
    catch (InvalidDataException e)
    {
        Errors.Write(e.Message);
        return ExitCode.Invalid;
    }

    if (settings.Cache is { } cache)
        AstSessionOptions.DefaultCacheFolder = cache;
    var defaultModel = settings.DefaultModel;
    var root = Help.Add(new RootCommand("Turns continuous sound into labelled events with an Audio Spectrogram Transformer."), $"""
        Examples:
          aststream run pipelines/demo.yaml
          aststream classify clip.wav --top-k 3
          aststream model info pipelines/models/ast-audioset-tiny

        {ExitCode.Help}
        """);
    var help = root.Options.OfType<HelpOption>().Single();
    help.Action = new Help((HelpAction)help.Action!);
    foreach (var path in help.Aliases.Where(a => a.StartsWith('/')).ToList())
        help.Aliases.Remove(path); // /h may be a file
    IEnumerable<Command>[] commands =
    [
        InitCommand.All(settings), DoctorCommand.All(settings), PipelineCommands.All(settings), WatchCommands.All(settings),
        ClipCommands.All(defaultModel), ModelCommands.All(settings.Host), EvaluateCommands.All(defaultModel),
        StatisticsCommand.All(defaultModel), TrainCommand.All(defaultModel), DeviceCommands.All(),
        KafkaCommands.All(settings), StoreCommands.All(defaultModel), StationCommands.All(settings), NotifyCommands.All(settings),
        BenchCommands.All(),
        CompletionCommand.All(), ManPages.All(root),
    ];
    foreach (var command in commands.SelectMany(c => c))
        root.Subcommands.Add(command);

    try
    {
        _ = SimdKernels.Default; // a kernel that can't be had is reported before anything runs
        var parsed = root.Parse(args.Length == 0 ? ["--help"] : args);
        if (parsed.Errors.Count > 0 && parsed.Action is not Help)
        {
            foreach (var error in parsed.Errors)
                Errors.Write(error.Message);
            var wrong = parsed.UnmatchedTokens.FirstOrDefault(t => !t.StartsWith('-'));
            List<string> expected = [.. parsed.CommandResult.Command.Subcommands.Where(c => !c.Hidden).Select(c => c.Name)];
            if (wrong is not null && expected.Count > 0)
                Terminal.Status($"expected one of: {string.Join(", ", expected)}");
            Terminal.Status($"for help: aststream{CommandPath(parsed.CommandResult)} --help");
            return ExitCode.Invalid;
        }

        return await parsed.InvokeAsync(
            new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }).ConfigureAwait(false);
    }
    catch (InvalidPipelineException e)
    {
        foreach (var problem in e.Problems)
            Errors.Write(problem.ToString());
        return ExitCode.Invalid;
    }
    catch (Exception e) when (
        e is HubException { IsUsage: true } or InvalidCheckpointException or ModelExecutionException or NotSupportedException
            or InvalidTruthException or InvalidTrainingException)
    {
        Errors.Write(e.Message);
        return ExitCode.Invalid;
    }
    catch (InvalidAudioException e)
    {
        Errors.Write(e.Message);
        return ExitCode.InputsFailed;
    }
    catch (Exception e) when (e is NodeFaultException or IOException or UnauthorizedAccessException or SinkException or HubException)
    {
        Errors.Write(e.Message);
        return ExitCode.Failed;
    }
    catch (Exception e)
    {
        Errors.Write($"{e.GetType().Name}: {e.Message.ReplaceLineEndings(" ")} This is a mistake in AstStream itself; please report it "
            + $"with the command that you gave.");
        return ExitCode.Failed;
    }
}

static string CommandPath(CommandResult result) =>
    result.Parent is CommandResult parent ? $"{CommandPath(parent)} {result.Command.Name}" : "";
