using AstStream.Events;
using AstStream.Events.Decoding;
using AstStream.Model.Checkpoints;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Telemetry;

namespace AstStream.Streaming.Pipelines;

/// <summary>
/// A pipeline's graph, from sources to sinks, and what may change while it runs: thresholds and labels, models, sources, sinks. Streams
/// that stay lose nothing by a change.
/// </summary>
public sealed class PipelineRun
{
    private const int Records = 256; // that fit into the arrow to the tee before its writers wait

    private readonly Pipeline _pipeline;
    private readonly RunningModels _models;
    private readonly LaneGroups _lanes;
    private readonly RunningSources _sources;
    private readonly RunningSinks _sinks;
    private PipelineDefinition _definition; // the last one that was taken over

    internal PipelineRun(Pipeline pipeline, RunReport report, CancellationToken stop)
    {
        _pipeline = pipeline;
        _definition = pipeline.Definition;
        var time = pipeline.Host.Time;
        var records = new Edge<StreamRecord>("tee", Records);
        _models = new RunningModels(pipeline, records, () => Graph!, report);
        _models.Begin();
        _lanes = new LaneGroups(
            _definition.Lanes, _models.Schedulers, _definition.PassesAudio ? records : null, report, time, pipeline.Observe);
        _sources = new RunningSources(_lanes, () => Graph!, time, report, stop);
        _sinks = new RunningSinks(
            new TeeNode("tee", records, report), () => Graph!, areTaken => _models.GivesScores = areTaken, time, report);
        var sources = _sources.Begin(_definition);
        Graph = new DataflowGraph([.. sources, .. _lanes.Nodes, .. _models.Nodes, .. _sinks.Begin(_definition.Sinks)]);
        report.Observe(() => _models.Schedulers(), () => Graph.Edges);
    }

    /// <summary>The graph.</summary>
    public DataflowGraph Graph { get; }

    /// <summary>Whether it has one model, in the section `model`, and none under `models`.</summary>
    public bool HasOneModel => _pipeline.HasOneModel;

    /// <summary>The models that run now.</summary>
    public IReadOnlyList<PipelineModel> Models => _pipeline.Running;

    /// <summary>
    /// Whether a model and its shadow are what the file itself names: that may have been edited meanwhile, and settings be laid over it.
    /// </summary>
    /// <param name="model">The model's name.</param>
    public bool IsAsTheFileSays(string model)
    {
        var read = PipelineReader.Read(_definition.Path, [], _pipeline.Host.Catalog, new ConfigProblems()).Models
            .FirstOrDefault(m => m.Name == model);
        return _pipeline.Models.First(m => m.Name == model).IsOf(read)
            && (_pipeline.Shadows.FirstOrDefault(m => m.Name == model)?.IsOf(read?.ShadowModel) ?? read?.ShadowModel is null);
    }

    /// <summary>The scores that open events now, by model and label; labels that make none are left out.</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, double>> Thresholds => _models.Decoders.ToDictionary(
        d => d.Key,
        d => (IReadOnlyDictionary<string, double>)d.Value.Thresholds.Where(t => float.IsFinite(t.Threshold))
            .ToDictionary(t => t.Label, t => Math.Round(t.Threshold, 4), StringComparer.Ordinal),
        StringComparer.Ordinal);

    /// <summary>Runs the graph to its end.</summary>
    /// <param name="cancellation">Stops everything at once, without draining.</param>
    /// <exception cref="NodeFaultException">A node failed.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public async Task RunAsync(CancellationToken cancellation)
    {
        try
        {
            await Graph.RunAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            await _models.CloseAsync().ConfigureAwait(false);
        }
    }

    /// <summary>
    /// For one caller at a time: reads the definition again and takes over what has changed. A definition that is wrong, or changes what
    /// can't be changed, is refused as a whole; and so is one with a model that can't be had.
    /// </summary>
    /// <param name="overrides">key=value settings laid over it.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>What was changed, in words; empty where nothing was.</returns>
    /// <exception cref="InvalidPipelineException">The definition is wrong; the run goes on as it was.</exception>
    /// <exception cref="InvalidCheckpointException">A checkpoint is; the run goes on as it was.</exception>
    /// <exception cref="ModelExecutionException">A model can't be run; the run goes on as it was.</exception>
    /// <exception cref="SinkException">A sink can't be opened; the run goes on as it was.</exception>
    /// <exception cref="InvalidOperationException">The run is over.</exception>
    public async Task<string> ReloadAsync(IReadOnlyList<string> overrides, CancellationToken cancellation)
    {
        var problems = new ConfigProblems();
        var read = PipelineReader.Read(_definition.Path, overrides, _pipeline.Host.Catalog, problems);
        var opened = new List<OpenModel>();
        var running = new Queue<RunningModel>();
        try
        {
            var broken = OpenModel.OpenAll(
                [.. PipelineDiff.ChangedModels(_definition, read),
                    .. PipelineDiff.ChangedShadows(_definition, read).Select(s => s.After).OfType<ModelDefinition>()],
                _pipeline.Host.DefaultModel, opened, problems);
            List<OpenModel> models = [.. _pipeline.Models.Select(m => opened.Find(o => o.Name == m.Name && !o.IsShadow) ?? m)];
            var heard = _pipeline.Models is [var first, ..] ? first : null;
            Pipeline.CheckBins(read, [.. models, .. opened.Where(o => o.IsShadow)], problems, heard);
            Pipeline.Pair(models, opened);
            var next = Pipeline.WithLabels(read, models, problems);
            next = next with { Sinks = [.. next.Sinks, .. _pipeline.Added], PassesAudio = _definition.PassesAudio };
            var diff = PipelineDiff.Between(_definition with { Sources = _sources.Definitions, Sinks = _sinks.Definitions }, next);
            foreach (var conflict in diff.Conflicts)
                problems.Add(conflict);
            var events = new List<(string Model, EventOptions Options)>();
            foreach (var definition in diff.Events)
                events.Add((definition.Name, EventRules.For(definition.Events, models.First(m => m.Name == definition.Name), problems)));
            problems.ThrowIfAny();
            if (broken is not null)
                throw broken;

            for (; opened.Count > 0; opened.RemoveAt(0))
                running.Enqueue(await _models.OpenAsync(opened[0], cancellation).ConfigureAwait(false));
            await ApplyAsync(diff, next, events, cancellation).ConfigureAwait(false);
            foreach (var shadow in diff.Shadows.Where(s => s.Before is not null))
                await _models.EndShadowAsync(shadow.Name, _lanes, cancellation).ConfigureAwait(false);
            while (running.TryDequeue(out var model))
            {
                await (model.Model.IsShadow ? _models.BeginShadowAsync(model, _lanes, cancellation)
                    : _models.ChangeAsync(model, _lanes, cancellation)).ConfigureAwait(false);
            }

            _definition = next;
            return diff.ToString();
        }
        catch
        {
            opened.ForEach(m => m.Dispose());
            foreach (var model in running)
                await _models.ForgetAsync(model).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Takes over what has changed of sinks, events and sources.</summary>
    private async Task ApplyAsync(
        PipelineDiff diff, PipelineDefinition next, List<(string Model, EventOptions Options)> events, CancellationToken cancellation)
    {
        var sources = _sources.Prepare(diff.Sources, next);
        try
        {
            await _sinks.ChangeAsync(diff.Sinks, cancellation).ConfigureAwait(false);
        }
        catch
        {
            _sources.Forget(sources);
            throw;
        }

        foreach (var (model, options) in events)
            _models.Reconfigure(model, options);
        await _sources.ApplyAsync(sources, cancellation).ConfigureAwait(false);
    }
}
