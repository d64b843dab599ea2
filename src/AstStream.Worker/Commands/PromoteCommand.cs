using System.CommandLine;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Pipelines;

namespace AstStream.Worker.Commands;

/// <summary>model promote.</summary>
internal static class PromoteCommand
{
    public static Command Make(PipelineHost host)
    {
        var file = new Argument<string>("PIPELINE") { Description = "The pipeline's file." };
        var model = new Option<string?>("--model") { Description = "Which one, where the pipeline has several.", HelpName = "NAME" };
        var promote = Help.Add(
            new Command("promote", "Exchanges a pipeline's model and the one in its shadow.") { file, model }, $"""
            The file's `path` and `shadow` change places, and the rest stays as it is. A run that watches its file takes that over at once,
            without losing sound, or says why it can't; the former model scores on in the shadow, and the same command brings it back.

            Examples:
              aststream model promote pipeline.yaml
              aststream model promote pipeline.yaml --model birds

            {ExitCode.Help}
            """);
        promote.SetAction(result => Promote(result.GetValue(file)!, result.GetValue(model), host));
        return promote;
    }

    private static int Promote(string file, string? model, PipelineHost host)
    {
        var (one, name) = (false, "");
        using (var before = Pipeline.Load(file, [], host))
        {
            List<string> names = [.. before.Running.Where(m => model is null ? m.Shadow is not null : m.Name == model).Select(m => m.Name)];
            if (names is not [var only])
            {
                Errors.Write(model is not null ? $"{file}: has no model '{model}'; expected one of {Names(before.Running)}"
                    : names.Count == 0 ? $"{file}: no model has a shadow; expected 'shadow: DIR' beside its 'path'"
                    : $"{file}: several models have a shadow; expected --model, one of {string.Join(", ", names)}");
                return ExitCode.Invalid;
            }

            (one, name) = (before.HasOneModel, only);
        }

        var target = PipelineText.Target(file);
        var text = File.ReadAllText(target);
        try
        {
            PipelineText.Replace(target, PromoteEdit.Apply(text, one ? null : name, host.DefaultModel));
        }
        catch (InvalidOperationException e)
        {
            Errors.Write($"{file}: {e.Message}");
            return ExitCode.Invalid;
        }

        using var after = Load(file, target, text, host);
        var promoted = after.Running.First(m => m.Name == name);
        Terminal.Line(
            $"{file}: {promoted.Path} is to report now, with {promoted.Shadow?.Path} in its shadow; the same again brings it back");
        return ExitCode.Ok;
    }

    /// <summary>Opens what was edited; where that can't be run, the former text is back.</summary>
    private static Pipeline Load(string file, string target, string former, PipelineHost host)
    {
        try
        {
            return Pipeline.Load(file, [], host);
        }
        catch
        {
            PipelineText.Replace(target, former);
            throw;
        }
    }

    private static string Names(IEnumerable<PipelineModel> models) => string.Join(", ", models.Select(m => m.Name));
}
