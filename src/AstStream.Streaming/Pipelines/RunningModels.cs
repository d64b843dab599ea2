using AstStream.Events;
using AstStream.Events.Decoding;
using AstStream.Streaming.Decoding;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Scheduling;
using AstStream.Streaming.Telemetry;

namespace AstStream.Streaming.Pipelines;

/// <summary>
/// The models of a run, and what may change of them while it goes on: another one opens beside one, all streams go over to it between two
/// windows, and the former decides what it has heard and ends.
/// </summary>
/// <param name="pipeline">What the models are.</param>
/// <param name="records">Where their records go.</param>
/// <param name="graph">The graph that they run in, once it is made.</param>
/// <param name="report">Counts.</param>
internal sealed class RunningModels(Pipeline pipeline, Edge<StreamRecord> records, Func<DataflowGraph> graph, RunReport report)
{
    private const int MostLooks = 10; // at a model that leaves, before what waits for it is lost
    private static readonly TimeSpan s_betweenLooks = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, RunningModel> _shadows = new(StringComparer.Ordinal); // by their model's name
    private readonly List<UnusualSounds> _unusual = [];
    private volatile IReadOnlyDictionary<string, RunningModel> _models = new Dictionary<string, RunningModel>();
    private bool _givesScores;
    private int _made = 1; // of which the first are one

    /// <summary>Where the windows of some models go now, and those of their shadows.</summary>
    /// <param name="models">The models' names; null for all.</param>
    public IReadOnlyList<WindowScheduler> Schedulers(IReadOnlySet<string>? models = null)
    {
        lock (_shadows)
            return [.. _models.Concat(_shadows).Where(m => models?.Contains(m.Key) != false).Select(m => m.Value.Scheduler)];
    }

    /// <summary>What decodes each model's scores now.</summary>
    public IEnumerable<KeyValuePair<string, DecodeNode>> Decoders => _models.Select(m => KeyValuePair.Create(m.Key, m.Value.Decoder));

    /// <summary>Whether decoding nodes give scores, as a sink takes them.</summary>
    public bool GivesScores
    {
        set
        {
            _givesScores = value;
            foreach (var model in _models.Values)
                model.Decoder.GivesScores = value;
        }
    }

    /// <summary>What a model's shadow is called in records and metrics: no name in a pipeline has a full stop.</summary>
    public static string ShadowName(string model) => $"{model}.shadow";

    /// <summary>The nodes of all models.</summary>
    public IEnumerable<Node> Nodes => _models.Values.Concat(_shadows.Values).SelectMany(m => m.Nodes);

    /// <summary>Makes the first ones.</summary>
    public void Begin()
    {
        _models = pipeline.Models.ToDictionary(m => m.Name, m => Make(m, number: 1), StringComparer.Ordinal);
        foreach (var shadow in pipeline.Shadows.Select(m => Make(m, number: 1)))
        {
            shadow.Scheduler.ShadowOf = _models[shadow.Model.Name].Scheduler;
            _shadows.Add(shadow.Model.Name, shadow);
        }
    }

    /// <summary>Decodes a model's scores by other options from the next window on.</summary>
    public void Reconfigure(string model, EventOptions options) => _models[model].Decoder.Reconfigure(options);

    /// <summary>
    /// Opens a model beside the one of its name that runs: its sessions, with their parity, and what decodes its scores. It hears nothing
    /// yet; what it is is this one's to close, unless that fails.
    /// </summary>
    public async Task<RunningModel> OpenAsync(OpenModel model, CancellationToken cancellation)
    {
        var next = Make(model, ++_made);
        next.Scheduler.AddLane("", new Signal()); // so that it does not end before the lanes come
        var waiting = new Queue<Node>(next.Nodes);
        try
        {
            for (; waiting.TryPeek(out var node); waiting.Dequeue())
                await Task.Run(() => graph().AddAsync(node, cancellation), cancellation).ConfigureAwait(false);
            return next;
        }
        catch
        {
            foreach (var node in waiting)
                node.Forget();
            await GiveUpAsync(next).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Ends a model that was opened for a change that does not come.</summary>
    public async Task ForgetAsync(RunningModel next)
    {
        await GiveUpAsync(next).ConfigureAwait(false);
        next.Model.Dispose();
    }

    /// <summary>Has the streams go over to a model that is open, and closes the former one when it has decided what it heard.</summary>
    public async Task ChangeAsync(RunningModel next, LaneGroups lanes, CancellationToken cancellation)
    {
        var name = next.Model.Name;
        var former = _models[name];
        pipeline.Replace(next.Model);
        _models = _models.ToDictionary(m => m.Key, m => m.Key == name ? next : m.Value, StringComparer.Ordinal);
        next.Decoder.GivesScores = _givesScores;
        await BeginAsync(former, next, lanes, cancellation).ConfigureAwait(false);
        await EndAsync(former).ConfigureAwait(false);
        former.Model.Dispose();
    }

    /// <summary>A model that is open hears what the one of its name hears, in its shadow.</summary>
    public async Task BeginShadowAsync(RunningModel shadow, LaneGroups lanes, CancellationToken cancellation)
    {
        shadow.Scheduler.ShadowOf = _models[shadow.Model.Name].Scheduler;
        pipeline.Add(shadow.Model);
        lock (_shadows)
            _shadows.Add(shadow.Model.Name, shadow);
        await BeginAsync(null, shadow, lanes, cancellation).ConfigureAwait(false);
    }

    /// <summary>A shadow hears no more, and is closed when it has decided what it heard.</summary>
    public async Task EndShadowAsync(string model, LaneGroups lanes, CancellationToken cancellation)
    {
        var shadow = _shadows[model];
        lock (_shadows)
            _shadows.Remove(model);
        await lanes.ChangeAsync(shadow.Scheduler, null, cancellation).ConfigureAwait(false);
        await EndAsync(shadow).ConfigureAwait(false);
        pipeline.Remove(shadow.Model);
        shadow.Model.Dispose();
    }

    /// <summary>Lanes begin to deliver to a model that is open, in the place of another one or besides.</summary>
    private static async Task BeginAsync(RunningModel? former, RunningModel next, LaneGroups lanes, CancellationToken cancellation)
    {
        try
        {
            await lanes.ChangeAsync(former?.Scheduler, next.Scheduler, cancellation).ConfigureAwait(false);
        }
        finally
        {
            next.Scheduler.Complete(null); // where lanes are left, they write it now
        }
    }

    /// <summary>Ends a model that no lane delivers to.</summary>
    private Task GiveUpAsync(RunningModel next)
    {
        next.Scheduler.Complete(null);
        return EndAsync(next);
    }

    /// <summary>What is known of streams is written; after the run.</summary>
    public async Task CloseAsync()
    {
        foreach (var known in _unusual.ToList())
            await known.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Waits until a model that gets no windows any more has decided what it has, and takes its nodes out of the graph.</summary>
    private async Task EndAsync(RunningModel model)
    {
        var ended = Task.WhenAll(model.Nodes.Select(graph().RemoveAsync));
        for (var looks = 0; !ended.IsCompleted; looks++)
        {
            var pause = Task.Delay(s_betweenLooks, pipeline.Host.Time, CancellationToken.None);
            if (await Task.WhenAny(ended, pause).ConfigureAwait(false) == pause)
                model.Scheduler.Expire(isLate: looks > MostLooks);
        }

        await ended.ConfigureAwait(false);
        foreach (var session in model.Sessions)
            report.SessionEnds(session.Name);
    }

    private RunningModel Make(OpenModel model, int number)
    {
        var host = pipeline.Host;
        var known = model.IsShadow ? ShadowName(model.Name) : model.Name;
        var name = number == 1 ? known : $"{known} ({number})";
        var scheduler = new WindowScheduler(known, model.Window, model.Batching, host.Time, report) { Identity = model.Identity };
        List<SessionNode> sessions = [.. model.Sessions.Select((options, i) => new SessionNode(
            model.Sessions.Count == 1 ? name : $"{name}/{i}", scheduler,
            mayFallBack => Scorer.Open(
                model.Scorer with { Embeds = (pipeline.Embeds && !model.IsShadow) || RuleOf(model) is not null },
                options with { Fallback = options.Fallback && mayFallBack, StartsGently = number > 1 }),
            model.Describe(options), host.Time, report))];
        return new RunningModel(model, scheduler, sessions, new DecodeNode(
            pipeline.Models.Count == 1 && number == 1 && !model.IsShadow ? "events" : $"events({name})", scheduler,
            model.Decoding with
            {
                Tap = model.IsShadow ? null : host.DecoderTap,
                UnusualRule = RuleOf(model),
                Unusual = UnusualOf(model),
            },
            records, report));
    }

    private UnusualRule? RuleOf(OpenModel model) => pipeline.IsTrial ? null : model.Unusual;

    /// <summary>What is known of streams goes from one model of a name to the next.</summary>
    private UnusualSounds? UnusualOf(OpenModel model)
    {
        if (RuleOf(model) is not { } definition)
            return null;
        if (_unusual.FirstOrDefault(u => u.Model == model.Name && u.Folder == definition.Folder) is not { } known)
            _unusual.Add(known = new UnusualSounds(model.Name, definition.Folder, pipeline.Host.Time.LocalTimeZone, report));
        return known;
    }
}
