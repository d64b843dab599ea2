using AstStream.Events;
using AstStream.Model.Checkpoints;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;

namespace AstStream.Streaming.Pipelines;

/// <summary>A pipeline definition that was read and checked, and its checkpoints.</summary>
public sealed class Pipeline : IDisposable
{
    private volatile IReadOnlyList<OpenModel> _models; // shadows too

    private Pipeline(PipelineDefinition definition, PipelineHost host, IReadOnlyList<OpenModel> models) =>
        (Definition, Host, _models) = (definition, host, models);

    /// <summary>The models that it runs: those of all its model sections and ensembles.</summary>
    public IReadOnlyList<AstCheckpoint> Checkpoints => [.. Models.SelectMany(m => m.Checkpoints)];

    /// <summary>How many sources it has.</summary>
    public int SourceCount => Definition.Sources.Count;

    /// <summary>Its models as they are now, with those in their shadows.</summary>
    public IReadOnlyList<PipelineModel> Running => [.. Models.Select(m => Told(m) with
    {
        Shadow = Shadows.Where(s => s.Name == m.Name).Select(Told).FirstOrDefault(),
    })];

    /// <summary>Whether it has one model, in the section `model`, and none under `models`.</summary>
    public bool HasOneModel => Definition.Models is [{ Name: "model" }];

    internal PipelineDefinition Definition { get; private set; }

    /// <summary>Sinks that were added beside those of the definition.</summary>
    internal IReadOnlyList<SinkDefinition> Added { get; private set; } = [];

    /// <summary>Who follows a stream that begins; null, the default, for nobody. To be set before the graph is made.</summary>
    public Func<StreamInfo, IStreamObserver?>? Observe { get; set; }

    /// <summary>
    /// Whether events carry what their windows were to the model (<see cref="SoundEvent.Embedding"/>); false by default. To be set before
    /// the graph is made.
    /// </summary>
    public bool Embeds { get; set; }

    internal PipelineHost Host { get; }

    /// <summary>Its models as they are now.</summary>
    internal IReadOnlyList<OpenModel> Models => [.. _models.Where(m => !m.IsShadow)];

    /// <summary>Those that score in the shadow of one of them.</summary>
    internal IReadOnlyList<OpenModel> Shadows => [.. _models.Where(m => m.IsShadow)];

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
        try
        {
            var broken = OpenModel.OpenAll([.. definition.Models, .. definition.Shadows], host.DefaultModel, models, problems);
            CheckBins(definition, models, problems);
            Pair(models, models);
            definition = WithLabels(definition, [.. models.Where(m => !m.IsShadow)], problems);

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
    public void ReplaceSinks(ISink sink, SinkOptions options)
    {
        Definition = Definition with { Sinks = [Given("trial", sink, options)], PassesAudio = false };
        IsTrial = true;
    }

    /// <summary>Whether it publishes nothing, and keeps nothing either.</summary>
    internal bool IsTrial { get; private set; }

    /// <summary>
    /// Adds a sink to those of the definition, which stays when that is read again. To be called before the graph is made.
    /// </summary>
    /// <param name="name">Its name, which no sink of the definition can have.</param>
    /// <param name="sink">The sink.</param>
    /// <param name="options">What it gets.</param>
    public void AddSink(string name, ISink sink, SinkOptions options)
    {
        Added = [.. Added, Given(name, sink, options)];
        Definition = Definition with { Sinks = [.. Definition.Sinks, Added[^1]] };
    }

    /// <summary>What the definition says in a section that is not the engine's; null where it has none of that kind.</summary>
    public TSettings? Section<TSettings>()
        where TSettings : SectionSettings => Definition.Section<TSettings>();

    /// <summary>What the sources of one kind say.</summary>
    public IEnumerable<TSettings> SourcesOf<TSettings>()
        where TSettings : SourceSettings => Definition.SourcesOf<TSettings>();

    /// <summary>What the sinks of one kind say.</summary>
    public IEnumerable<TSettings> SinksOf<TSettings>()
        where TSettings : SinkSettings => Definition.SinksOf<TSettings>();

    /// <summary>Whether a source, a model or a sink may be called so.</summary>
    public static bool IsName(string name) => NamedSection.IsName(name);

    /// <summary>Those that it talks to by the network, with the source, the sink or the section that does.</summary>
    public IEnumerable<(string Component, Peer Peer)> Peers => Definition.Sources.SelectMany(s => s.Settings.Peers.Select(p => (s.Name, p)))
        .Concat(Definition.Sinks.SelectMany(s => s.Settings.Peers.Select(p => (s.Name, p))))
        .Concat(Definition.Sections.SelectMany(s => s.Settings.Peers.Select(p => (s.Name, p)))).Distinct();

    /// <summary>What a model that is there now has names for; null where it has none of that name.</summary>
    public Vocabulary? VocabularyOf(string model) => Models.FirstOrDefault(m => m.Name == model)?.Vocabulary;

    /// <summary>Makes the graph. A pipeline makes one in its life.</summary>
    /// <param name="report">Counts what the run does.</param>
    /// <param name="stop">Asks the sources to end, so that everything drains.</param>
    public PipelineRun Build(RunReport report, CancellationToken stop) => new(this, report, stop);

    /// <summary>A model takes the place of the one of its name, which is the caller's to close.</summary>
    internal void Replace(OpenModel next) => _models = [.. _models.Select(m => m.Name == next.Name && !m.IsShadow ? next : m)];

    /// <summary>A shadow begins.</summary>
    internal void Add(OpenModel shadow) => _models = [.. _models, shadow];

    /// <summary>A shadow has ended, and is the caller's to close.</summary>
    internal void Remove(OpenModel shadow) => _models = [.. _models.Where(m => m != shadow)];

    /// <summary>Closes the checkpoints.</summary>
    public void Dispose()
    {
        foreach (var model in _models)
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
            var meant = wanted.Distinct(StringComparer.Ordinal).ToDictionary(
                n => n, n => (IReadOnlyList<string>)[.. heard.SelectMany(m => m!.LabelsUnder(n)).Distinct()], StringComparer.Ordinal);
            return sink with
            {
                Options = sink.Options with { Labels = [.. meant.Values.SelectMany(l => l).Distinct()] },
                Settings = sink.Settings.WithLabels(meant),
            };
        }

        foreach (var claim in definition.Sections.SelectMany(s => s.Settings.Labels).Where(_ => models.Count == definition.Models.Count))
        {
            List<string> names = [.. models.SelectMany(m => m.Labels.Concat(m.Views.Keys)).Distinct()];
            foreach (var name in claim.Names.Where(n => models.All(m => m.LabelsOf(n).Count == 0)))
                problems.Add(claim.Problem($"no model has the label '{name}'{Nearest.Hint(name, names)}"));
        }

        return definition with { Sinks = [.. definition.Sinks.Select(Expanded)] };
    }

    /// <summary>Tells shadows in whose they are.</summary>
    internal static void Pair(IReadOnlyList<OpenModel> models, IEnumerable<OpenModel> shadows)
    {
        foreach (var shadow in shadows.Where(s => s.IsShadow))
            shadow.ShadowOf = models.FirstOrDefault(m => m.Name == shadow.Name && !m.IsShadow)?.Hash ?? "";
    }

    private static PipelineModel Told(OpenModel model) => new(
        model.IsShadow ? RunningModels.ShadowName(model.Name) : model.Name, string.Join(" + ", model.Checkpoints.Select(c => c.Folder)),
        model.Hash, model.Labels.Count);

    private static SinkDefinition Given(string name, ISink sink, SinkOptions options) => new(
        name, new GivenSink(sink), options, "", new SectionPlaces(name, new Place("", 0, 0), new Dictionary<string, Place>()));

    /// <summary>Models that share features need the same number of mel bins: that of the first, or of those that run already.</summary>
    internal static void CheckBins(
        PipelineDefinition definition, IReadOnlyList<OpenModel> models, ConfigProblems problems, OpenModel? running = null)
    {
        var first = running ?? (models.Count > 0 ? models[0] : null);
        foreach (var model in models.Where(m => m.Window.NumMelBins != first!.Window.NumMelBins))
            problems.Add(definition.Models.First(m => m.Name == model.Name).Places.Problem(
                model.IsShadow ? PipelineKeys.Shadow : PipelineKeys.ModelPath,
                $"takes {model.Window.NumMelBins} mel bins, "
                    + (running is null ? $"'{first!.Name}' {first.Window.NumMelBins}; the models of one pipeline share their features and "
                        + "need the same number" : $"the run was begun with {first!.Window.NumMelBins}; restart for that")));
    }
}
