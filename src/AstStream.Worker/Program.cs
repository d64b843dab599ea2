using System.CommandLine;
using System.CommandLine.Help;
using System.Text;
using AstStream.Dsp;
using AstStream.Model;
using AstStream.Streaming;
using AstStream.Streaming.Pipelines;
using AstStream.Worker;
using AstStream.Worker.Commands;
using Microsoft.Extensions.Configuration;

// Streams of events are read by other programs: UTF-8 without a byte order mark, lines ended by \n.
Console.OutputEncoding = new UTF8Encoding(encoderShouldEmitUTF8Identifier: false);

var settings = new ConfigurationBuilder()
    .SetBasePath(AppContext.BaseDirectory)
    .AddJsonFile("appsettings.json", optional: true)
    .AddEnvironmentVariables("ASTSTREAM_")
    .Build();
var defaultModel = Path.GetFullPath(settings["DefaultModel"] ?? "pipelines/models/ast-esc50", AppContext.BaseDirectory);

var root = Help.Add(new RootCommand("Turns continuous sound into labelled events with an Audio Spectrogram Transformer."), $"""
    Examples:
      aststream run pipelines/demo.yaml
      aststream classify clip.wav --top-k 3
      aststream model info pipelines/models/ast-esc50

    {ExitCode.Help}
    """);
var help = root.Options.OfType<HelpOption>().Single();
help.Action = new Help((HelpAction)help.Action!);
foreach (var command in PipelineCommands.All(defaultModel).Concat(ModelCommands.All(defaultModel)))
    root.Subcommands.Add(command);

try
{
    var parsed = root.Parse(args.Length == 0 ? ["--help"] : args);
    if (parsed.Errors.Count > 0 && parsed.Action is not Help)
    {
        foreach (var error in parsed.Errors)
            Errors.Write(error.Message);
        var wrong = parsed.UnmatchedTokens.FirstOrDefault(t => !t.StartsWith('-'));
        if (wrong is not null && parsed.CommandResult.Command.Subcommands.Count > 0)
            Console.Error.WriteLine($"expected one of: {string.Join(", ", parsed.CommandResult.Command.Subcommands.Select(c => c.Name))}");
        Console.Error.WriteLine($"for help: aststream{(parsed.CommandResult.Command == root ? "" : $" {parsed.CommandResult.Command.Name}")} --help");
        return ExitCode.Invalid;
    }

    return await parsed.InvokeAsync(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null }).ConfigureAwait(false);
}
catch (InvalidPipelineException e)
{
    foreach (var problem in e.Problems)
        Errors.Write(problem.ToString());
    return ExitCode.Invalid;
}
catch (Exception e) when (e is InvalidCheckpointException or NotSupportedException)
{
    Errors.Write(e.Message);
    return ExitCode.Invalid;
}
catch (InvalidAudioException e)
{
    Errors.Write(e.Message);
    return ExitCode.InputsFailed;
}
catch (Exception e) when (e is NodeFaultException or IOException or UnauthorizedAccessException or AstStream.Connectors.SinkException)
{
    Errors.Write(e.Message);
    return ExitCode.Failed;
}
