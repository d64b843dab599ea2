using System.CommandLine;
using System.Text.Json;
using AstStream.Streaming.Pipelines;
using AstStream.Worker.Hosting;

namespace AstStream.Worker.Setup;

/// <summary>doctor: finds what is missing, and says what to do.</summary>
internal static class DoctorCommand
{
    public static IEnumerable<Command> All(WorkerSettings settings)
    {
        var host = settings.Host;
        var file = new Argument<string?>("PIPELINE.yaml")
        {
            Description = "The pipeline; by default the service's own, where there is one.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var json = new Option<bool>("--json") { Description = "One JSON object a line." };
        var command = Help.Add(new Command("doctor", "Finds what is missing on this machine, and says what to do.") { file, json }, """
            Libraries, sound cards and rights, ffmpeg, GPU, clock, disk, open files and the model's speed; of a pipeline, whether it is
            right, whether cameras, brokers and servers answer, and whether its service runs. Nothing is changed, and nothing is sent.

            Exit code 0 where nothing is wrong, 1 where something will fail; what is only missing is no failure.

            Examples:
              aststream doctor
              aststream doctor yard.yaml
            """);
        command.SetAction(async (result, cancellation) =>
        {
            using var stop = new StopSignal(cancellation);
            var place = SetupPlace.Mine;
            var path = result.GetValue(file) is { } given ? Path.GetFullPath(given) : File.Exists(place.Pipeline) ? place.Pipeline : null;
            var worst = Health.Good;
            try
            {
                await foreach (var finding in FindAsync(path, host, place, stop.Token).ConfigureAwait(false))
                {
                    worst = (Health)Math.Max((int)worst, (int)finding.Health);
                    Show(finding, result.GetValue(json));
                }
            }
            catch (OperationCanceledException) when (stop.Token.IsCancellationRequested)
            {
                return ExitCode.Stopped;
            }

            if (path is null && !result.GetValue(json))
                Terminal.Line("There is no pipeline yet: aststream init writes one.");
            return worst == Health.Bad ? ExitCode.Failed : ExitCode.Ok;
        });
        yield return command;
    }

    private static async IAsyncEnumerable<Finding> FindAsync(
        string? path, PipelineHost host, SetupPlace place,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken stop)
    {
        await foreach (var finding in MachineChecks.AllAsync(host.DefaultModel, place.Data, stop).ConfigureAwait(false))
            yield return finding;
        if (path is null)
            yield break;
        await foreach (var finding in PipelineChecks.AllAsync(path, host, place, stop).ConfigureAwait(false))
            yield return finding;
    }

    private static void Show(Finding finding, bool isJson)
    {
        if (isJson)
        {
            Terminal.Line(JsonSerializer.Serialize(new
            {
                health = finding.Health.ToString().ToLowerInvariant(),
                area = finding.Area,
                text = finding.Text,
                advice = finding.Advice,
            }));
            return;
        }

        var mark = finding.Health switch { Health.Good => "ok", Health.Note => "note", _ => "BAD" };
        Terminal.Line($"{mark,-5} {finding.Area,-17} {finding.Text}");
        if (finding.Advice.Length > 0)
            Terminal.Line($"{"",-5} {"",-17} → {finding.Advice}");
    }
}
