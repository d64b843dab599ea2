using AstStream.Model.Checkpoints;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Telemetry;

namespace AstStream.Streaming.Pipelines;

/// <summary>A pipeline definition that was read and checked, and its checkpoints.</summary>
public sealed class Pipeline : IDisposable
{
    private Pipeline(PipelineDefinition definition, PipelineHost host, IReadOnlyList<OpenModel> models) =>
        (Definition, Host, Models) = (definition, host, models);

    /// <summary>The models that it runs: those of all its model sections and ensembles.</summary>
    public IReadOnlyList<AstCheckpoint> Checkpoints => [.. Models.SelectMany(m => m.Checkpoints)];

    /// <summary>How many sources it has.</summary>
    public int SourceCount => Definition.Sources.Count;

    internal PipelineDefinition Definition { get; private set; }

    internal PipelineHost Host { get; }

    internal IReadOnlyList<OpenModel> Models { get; }

    /// <summary>Reads and checks a definition and opens its checkpoints; nothing else is opened yet.</summary>
    /// <param name="path">The YAML file.</param>
    /// <param name="overrides">key=value settings laid over it.</param>
    /// <param name="host">The types, the default model, the clock.</param>
    /// <exception cref="InvalidPipelineException">The definition is wrong; all problems at once.</exception>
    /// <exception cref="InvalidCheckpointException">A checkpoint is.</exception>
    public static Pipeline Load(string path, IReadOnlyList<string> overrides, PipelineHost host)
    {
        var problems = new ConfigProblems();
        var definition = PipelineReader.Read(path, overrides, host.Catalog, problems);
        var models = new List<OpenModel>();
        InvalidCheckpointException? broken = null;
        try
        {
            foreach (var model in definition.Models)
            {
                try
                {
                    models.Add(OpenModel.Open(model, host.DefaultModel, problems));
                }
                catch (InvalidCheckpointException e)
                {
                    broken ??= e;
                }
            }

            CheckBins(definition, models, problems);
            definition = WithLabels(definition, models, problems);

            // Problems of the definition and of its checkpoints are reported together where both are known.
            problems.ThrowIfAny();
            return broken is null ? new Pipeline(definition, host, models) : throw broken;
        }
        catch
        {
            models.ForEach(m => m.Dispose());
            throw;
        }
    }

    /// <summary>
    /// Gives all records to one sink, and none to those of the definition: for trials, which publish nothing. To be called before the graph
    /// is made.
    /// </summary>
    /// <param name="sink">The sink.</param>
    /// <param name="options">What it gets.</param>
    public void ReplaceSinks(ISink sink, SinkOptions options) => Definition = Definition with
    {
        Sinks = [Definition.Sinks[0] with { Name = "trial", Settings = new GivenSink(sink), Options = options, Fingerprint = "" }],
        PassesAudio = false
    };

    /// <summary>Makes the graph. A pipeline makes one in its life.</summary>
    /// <param name="report">Counts what the run does.</param>
    /// <param name="stop">Asks the sources to end, so that everything drains.</param>
    public PipelineRun Build(RunReport report, CancellationToken stop) => new(this, report, stop);

    /// <summary>Closes the checkpoints.</summary>
    public void Dispose()
    {
        foreach (var model in Models)
            model.Dispose();
    }

    /// <summary>
    /// The definition with the labels that its sinks want one by one, views spelt out. What no model has that a sink hears is a problem;
    /// the labels of a broken checkpoint are not known.
    /// </summary>
    internal static PipelineDefinition WithLabels(
        PipelineDefinition definition, IReadOnlyList<OpenModel> models, ConfigProblems problems)
    {
        SinkDefinition Expanded(SinkDefinition sink)
        {
            var heard = definition.Models.Where(m => sink.Options.Models?.Contains(m.Name) != false)
                .Select(m => models.FirstOrDefault(o => o.Name == m.Name)).ToList();
            if (sink.Options.Labels is not { } wanted || heard.Contains(null))
                return sink;
            List<string> names = [.. heard.SelectMany(m => m!.Labels.Concat(m.Views.Keys)).Distinct()];
            foreach (var name in wanted.Where(n => heard.All(m => m!.LabelsOf(n).Count == 0)))
                problems.Add(sink.Places.Problem(
                    PipelineKeys.SinkLabels, $"no model has the label '{name}'{Nearest.Hint(name, names)}"));
            var labels = wanted.SelectMany(n => heard.SelectMany(m => m!.LabelsOf(n))).Distinct();
            return sink with { Options = sink.Options with { Labels = [.. labels] } };
        }

        return definition with { Sinks = [.. definition.Sinks.Select(Expanded)] };
    }

    private static void CheckBins(PipelineDefinition definition, List<OpenModel> models, ConfigProblems problems)
    {
        foreach (var model in models.Where(m => m.Window.NumMelBins != models[0].Window.NumMelBins))
            problems.Add(definition.Models.First(m => m.Name == model.Name).Places.Problem(
                PipelineKeys.ModelPath,
                $"takes {model.Window.NumMelBins} mel bins, '{models[0].Name}' {models[0].Window.NumMelBins}; the models of one pipeline "
                    + $"share their features and need the same number"));
    }
}
