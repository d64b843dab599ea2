using AstStream.Events;
using AstStream.Events.Decoding;
using AstStream.Streaming.Decoding;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Scheduling;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Telemetry;

namespace AstStream.Streaming.Pipelines;

/// <summary>
/// A pipeline's graph, from sources to sinks, and what may change while it runs: thresholds and labels, sources, sinks. Streams that stay
/// lose nothing by a change.
/// </summary>
public sealed class PipelineRun
{
    private const int Records = 256; // that fit into the arrow to the tee before its writers wait

    private readonly Pipeline _pipeline;
    private readonly Dictionary<string, WindowScheduler> _schedulers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DecodeNode> _decoders = new(StringComparer.Ordinal);
    private readonly RunningSources _sources;
    private readonly RunningSinks _sinks;
    private PipelineDefinition _definition; // the last one that was taken over

    internal PipelineRun(Pipeline pipeline, RunReport report, CancellationToken stop)
    {
        _pipeline = pipeline;
        _definition = pipeline.Definition;
        var time = pipeline.Host.Time;
        var records = new Edge<StreamRecord>("tee", Records);
        foreach (var model in pipeline.Models)
            _schedulers[model.Name] = new WindowScheduler(model.Name, model.Window, model.Batching, time, report)
            { Identity = model.Identity };
        var lanes = new LaneGroups(
            _definition.Lanes, _schedulers, _definition.PassesAudio ? records : null, report, time, pipeline.Observe);
        _sources = new RunningSources(lanes, () => Graph!, time, report, stop);
        _sinks = new RunningSinks(new TeeNode("tee", records, report), () => Graph!, GiveScores, time, report);
        var sources = _sources.Begin(_definition);
        Graph = new DataflowGraph(
            [.. sources, .. lanes.Nodes, .. pipeline.Models.SelectMany(m => NodesOf(m, records, report)),
                .. _sinks.Begin(_definition.Sinks)]);
        report.Observe([.. _schedulers.Values], () => Graph.Edges);
    }

    /// <summary>The graph.</summary>
    public DataflowGraph Graph { get; }

    /// <summary>Whether it has one model, in the section `model`, and none under `models`.</summary>
    public bool HasOneModel => _definition.Models is [{ Name: "model" }];

    /// <summary>The scores that open events now, by model and label; labels that make none are left out.</summary>
    public IReadOnlyDictionary<string, IReadOnlyDictionary<string, double>> Thresholds => _decoders.ToDictionary(
        d => d.Key,
        d => (IReadOnlyDictionary<string, double>)d.Value.Thresholds.Where(t => float.IsFinite(t.Threshold))
            .ToDictionary(t => t.Label, t => Math.Round(t.Threshold, 4), StringComparer.Ordinal),
        StringComparer.Ordinal);

    /// <summary>Runs the graph to its end.</summary>
    /// <param name="cancellation">Stops everything at once, without draining.</param>
    /// <exception cref="NodeFaultException">A node failed.</exception>
    /// <exception cref="OperationCanceledException">The token was cancelled.</exception>
    public Task RunAsync(CancellationToken cancellation) => Graph.RunAsync(cancellation);

    /// <summary>
    /// For one caller at a time: reads the definition again and takes over what has changed. A definition that is wrong, or changes what
    /// can't be changed, is refused as a whole.
    /// </summary>
    /// <param name="overrides">key=value settings laid over it.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <returns>What was changed, in words; empty where nothing was.</returns>
    /// <exception cref="InvalidPipelineException">The definition is wrong; the run goes on as it was.</exception>
    /// <exception cref="SinkException">A sink can't be opened; the run goes on as it was.</exception>
    /// <exception cref="InvalidOperationException">The run is over.</exception>
    public async Task<string> ReloadAsync(IReadOnlyList<string> overrides, CancellationToken cancellation)
    {
        var problems = new ConfigProblems();
        var next = Pipeline.WithLabels(
            PipelineReader.Read(_definition.Path, overrides, _pipeline.Host.Catalog, problems), _pipeline.Models, problems);
        next = next with { Sinks = [.. next.Sinks, .. _pipeline.Added] };
        var diff = PipelineDiff.Between(_definition with { Sources = _sources.Definitions, Sinks = _sinks.Definitions }, next);
        foreach (var conflict in diff.Conflicts)
            problems.Add(conflict);
        var events = new List<(DecodeNode Decoder, EventOptions Options)>();
        foreach (var definition in diff.Events)
            events.Add((_decoders[definition.Name], EventRules.For(definition.Events, ModelOf(definition.Name), problems)));
        problems.ThrowIfAny();

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

        foreach (var (decoder, options) in events)
            decoder.Reconfigure(options);
        await _sources.ApplyAsync(sources, cancellation).ConfigureAwait(false);
        _definition = next with { PassesAudio = _definition.PassesAudio };
        return diff.ToString();
    }

    private OpenModel ModelOf(string name) => _pipeline.Models.First(m => m.Name == name);

    /// <summary>The sessions of a model, and what makes events of their scores.</summary>
    private List<Node> NodesOf(OpenModel model, Edge<StreamRecord> records, RunReport report)
    {
        var scheduler = _schedulers[model.Name];
        var nodes = new List<Node>();
        foreach (var (i, options) in model.Sessions.Index())
            nodes.Add(new SessionNode(
                model.Sessions.Count == 1 ? model.Name : $"{model.Name}/{i}", scheduler,
                mayFallBack => Scorer.Open(model.Scorer, mayFallBack ? options : options with { Fallback = false }),
                model.Describe(options), _pipeline.Host.Time, report));
        nodes.Add(_decoders[model.Name] = new DecodeNode(
            _pipeline.Models.Count == 1 ? "events" : $"events({model.Name})", scheduler,
            model.Decoding with { Tap = _pipeline.Host.DecoderTap }, records, report));
        return nodes;
    }

    /// <summary>Decoding nodes give scores where a sink takes them.</summary>
    private void GiveScores(bool areTaken)
    {
        foreach (var decoder in _decoders.Values)
            decoder.GivesScores = areTaken;
    }
}
