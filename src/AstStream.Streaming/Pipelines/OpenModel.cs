using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using AstStream.Dsp;
using AstStream.Events.Decoding;
using AstStream.Events.Unusual;
using AstStream.Model.Checkpoints;
using AstStream.Model.Runtime;
using AstStream.Streaming.Decoding;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.FrontEnd;
using AstStream.Streaming.Scheduling;
using AstStream.Streaming.Sources;

namespace AstStream.Streaming.Pipelines;

/// <summary>A model of a definition with its checkpoints open: what the definition asks of it is checked against them.</summary>
internal sealed class OpenModel : IDisposable
{
    private readonly ModelDefinition _definition;

    private OpenModel(ModelDefinition definition, IReadOnlyList<AstCheckpoint> checkpoints, ConfigProblems problems)
    {
        _definition = definition;
        Checkpoints = checkpoints;
        Configs = [.. checkpoints.Select(c => Fit(definition, c.Config, problems))];
        CheckEnsemble(problems);
        Window = MakeWindow(problems);
        Activations = [.. checkpoints.Select(c => definition.Activation ?? c.Config.DefaultActivation)];
        if (Activations.Contains(ScoreActivation.None))
            problems.Add(definition.Places.Problem(PipelineKeys.FunctionToApply,
                "the model gives numbers and no scores (problem_type regression); expected sigmoid or softmax, which make scores of them"));
        (Ancestors, Related) = (Configs[0].Ancestors(), Checkpoints[0].Related());
        Events = EventRules.For(definition.Events, this, problems);
        Vocabulary = new Vocabulary(Labels, FbankOptions.NumSamples(Window.WindowFrames), LabelsUnder);
    }

    /// <summary>The model's name in the pipeline; a shadow's is that of its model.</summary>
    public string Name => _definition.Name;

    /// <summary>Whether it scores in the shadow of the model of its name.</summary>
    public bool IsShadow => _definition.IsShadow;

    /// <summary>Whether a definition names the very folders that it was opened from.</summary>
    public bool IsOf(ModelDefinition? definition) => definition is not null
        && (_definition.Folders ?? []).SequenceEqual(definition.Folders ?? []);

    /// <summary>The hash of the model in whose shadow it scores; null for one that reports.</summary>
    public string? ShadowOf { get; set; }

    public IReadOnlyList<AstCheckpoint> Checkpoints { get; }

    public IReadOnlyList<AstConfig> Configs { get; }

    public IReadOnlyList<ScoreActivation> Activations { get; }

    /// <summary>How each session runs; all drain one queue.</summary>
    public IReadOnlyList<AstSessionOptions> Sessions => _definition.Sessions;

    public WindowOptions Window { get; }

    public BatchOptions Batching => _definition.Batching;

    /// <summary>Which streams are listened to for unusual sound; null for none, as for a shadow.</summary>
    public UnusualRule? Unusual => IsShadow ? null : _definition.Events.Unusual;

    private EventTiming Timing => _definition.Events.Options.Timing;

    private bool Places => Timing == EventTiming.Segment && _definition.Events.Confirms && Configs[0].Localiser is not null;

    /// <summary>How its scores become events when the run begins.</summary>
    public EventOptions Events { get; }

    /// <summary>Its labels, for those who follow its streams.</summary>
    public Vocabulary Vocabulary { get; }

    /// <summary>How it decodes, with what the records of the model carry.</summary>
    public DecodeOptions Decoding => new(Vocabulary, Events, Hash)
    {
        ShadowOf = ShadowOf,
        Reported = View?.Reported ?? Labels,
        Columns = Places ? ColumnLayout.Of(Checkpoints[0], Configs[0]) : null,
    };

    public IReadOnlyList<string> Labels => Configs[0].Labels;

    /// <summary>Named groups of its labels.</summary>
    public IReadOnlyDictionary<string, LabelView> Views => Checkpoints[0].Views;

    /// <summary>The view whose classes are its labels; null where they are the checkpoint's own.</summary>
    public LabelView? View => Checkpoints[0].View;

    /// <summary>The labels beside a view's own classes that are sounds: a label whose threshold is 1 is a place, or silence.</summary>
    public IEnumerable<string> OtherSounds => View is not { } view ? []
        : Labels.Where((_, i) => i >= view.Reported.Count && !(Checkpoints[0].Thresholds?[i] >= 1));

    /// <summary>Of each label, the indices of those above it in AudioSet's ontology.</summary>
    public IReadOnlyList<IReadOnlyList<int>> Ancestors { get; }

    /// <summary>Of each label, the indices of those that mean the same sound.</summary>
    public IReadOnlyList<IReadOnlyList<int>> Related { get; }

    /// <summary>
    /// The score that opens an event of a label where the pipeline says none: the checkpoint's own, if it brings one for scores as they are
    /// made here.
    /// </summary>
    public float DefaultThreshold(int label) =>
        Checkpoints is [{ Thresholds: { } own } only] && Activations[0] == only.Config.DefaultActivation && !float.IsNaN(own[label])
            ? own[label] : 0.5f;

    public ScorerOptions Scorer => new(Checkpoints, Configs, Activations, Hash) { Places = Places };

    /// <summary>What a name means among its labels: a label, or those of a view; nothing where it is neither.</summary>
    public IReadOnlyList<string> LabelsOf(string name) =>
        Labels.Contains(name) || (name == UnusualDecoder.Label && _definition.Events.Unusual is not null) ? [name]
        : View is null && Views.TryGetValue(name, out var view) && !view.HasOwnClasses ? view.Labels : [];

    /// <summary>The same with the labels below them in AudioSet's ontology.</summary>
    public IReadOnlyList<string> LabelsUnder(string name)
    {
        var named = LabelsOf(name).ToHashSet(StringComparer.Ordinal);
        return [.. Labels.Where((l, i) => Ancestors.Count > 0 && Ancestors[i].Any(a => named.Contains(Labels[a]))).Union(named)];
    }

    /// <summary>One session in a few words.</summary>
    public string Describe(AstSessionOptions session) =>
        $"{string.Join(" + ", Checkpoints.Select(c => c.Name))} on "
            + string.Join(", ", [
                .. session.Providers.Select(EnumWords.Word), session.Precision?.Word() ?? ModelDefinition.Auto,
                .. Activations.Distinct().Select(EnumWords.Word),
            ])
            + $", {(session.BatchSizes.Count > 0 ? $"at most {session.BatchSizes.Max()} windows" : "batch sizes that it likes")}, "
            + $"{Batching.MaxQueueDelay.TotalMilliseconds:0} ms of waiting";

    /// <summary>Tells the models apart: one checkpoint's hash, or one over all of an ensemble's.</summary>
    public string Hash => Checkpoints.Count == 1
        ? Checkpoints[0].Hash
        : Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(string.Join(' ', Checkpoints.Select(c => c.Hash)))));

    /// <summary>Tells apart what scores a window differently or cuts it differently.</summary>
    public string Identity =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Hash} {Window.WindowFrames}/{Window.HopFrames} {Configs[0].FrequencyStride}/{Configs[0].TimeStride} "
                + $"{string.Join(' ', Activations)} {Timing.Word()}{(_definition.Events.Confirms ? "+" : "")}");

    /// <summary>Opens models, and returns the first trouble with a checkpoint; the others are opened all the same.</summary>
    /// <param name="definitions">What they are.</param>
    /// <param name="defaultModel">The model of a definition that names none.</param>
    /// <param name="opened">Receives them.</param>
    /// <param name="problems">Receives what is wrong with the definitions.</param>
    public static InvalidCheckpointException? OpenAll(
        IEnumerable<ModelDefinition> definitions, string defaultModel, List<OpenModel> opened, ConfigProblems problems)
    {
        InvalidCheckpointException? broken = null;
        foreach (var definition in definitions)
        {
            try
            {
                opened.Add(Open(definition, defaultModel, problems));
            }
            catch (InvalidCheckpointException e)
            {
                broken ??= e;
            }
        }

        return broken;
    }

    /// <summary>Opens the checkpoints that a definition names, or the default one.</summary>
    /// <exception cref="InvalidCheckpointException">
    /// A checkpoint is broken. A folder that is not there is a problem of the definition besides.
    /// </exception>
    private static OpenModel Open(ModelDefinition definition, string defaultModel, ConfigProblems problems)
    {
        var checkpoints = new List<AstCheckpoint>();
        try
        {
            foreach (var folder in definition.Folders ?? [defaultModel])
            {
                if (definition.Folders is not null && !Directory.Exists(folder) && !File.Exists(folder))
                    problems.Add(definition.Places.Problem(definition.FoldersKey, AstCheckpoint.NoFolder(folder)));
                checkpoints.Add(AstCheckpoint.Open(folder));
                if (definition.Events.Labels is [var only] && checkpoints[^1].Views.GetValueOrDefault(only)?.HasOwnClasses == true)
                    checkpoints[^1].Take(only, withOthers: true);
            }

            return new OpenModel(definition, checkpoints, problems);
        }
        catch
        {
            foreach (var checkpoint in checkpoints)
                checkpoint.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        foreach (var checkpoint in Checkpoints)
            checkpoint.Dispose();
    }

    private static AstConfig Fit(ModelDefinition definition, AstConfig config, ConfigProblems problems)
    {
        try
        {
            return config.WithWindow(definition.WindowFrames, definition.FrequencyStride, definition.TimeStride);
        }
        catch (ModelExecutionException e)
        {
            var key = ((Key[])[PipelineKeys.Window, PipelineKeys.FrequencyStride]).FirstOrDefault(definition.Places.Has);
            problems.Add(definition.Places.Problem(key ?? PipelineKeys.TimeStride, e.Message));
            return config;
        }
    }

    private void CheckEnsemble(ConfigProblems problems)
    {
        for (var i = 1; i < Configs.Count; i++)
        {
            var (first, other) = (Configs[0], Configs[i]);
            var name = Checkpoints[i].Folder;
            if (!other.Labels.SequenceEqual(first.Labels))
                problems.Add(_definition.Places.Problem(
                    PipelineKeys.Ensemble,
                    $"{name}: has other labels than {Checkpoints[0].Folder}; expected the same ones in the same order, so that scores can "
                        + $"be averaged"));
            if (other.MaxLength != first.MaxLength || other.NumMelBins != first.NumMelBins)
                problems.Add(_definition.Places.Problem(
                    PipelineKeys.Ensemble,
                    $"{name}: takes windows of {other.MaxLength} frames of {other.NumMelBins} bins, {Checkpoints[0].Folder} of "
                        + $"{first.MaxLength} of {first.NumMelBins}; expected the same, which 'window' can make"));
        }
    }

    private WindowOptions MakeWindow(ConfigProblems problems)
    {
        var config = Configs[0];
        var window = config.MaxLength * FbankOptions.FrameTime.TotalSeconds;
        var frames = _definition.HopFrames ?? (config.MaxLength / 2);
        if (frames > config.MaxLength)
        {
            problems.Add(_definition.Places.Problem(
                PipelineKeys.Hop,
                FormattableString.Invariant($"longer than the model's window of {window} s: sound between windows would not be heard")));
            frames = config.MaxLength;
        }

        frames = Math.Max(1, frames);
        var hop = frames * FbankOptions.FrameTime.TotalSeconds;
        var longest = _definition.MaxHopFrames ?? config.MaxLength;
        if (longest < frames || longest > config.MaxLength)
            problems.Add(_definition.Places.Problem(
                PipelineKeys.MaxHop,
                FormattableString.Invariant($"expected at least the hop of {hop} s and at most the window of {window} s")));
        return new WindowOptions(config.MaxLength, frames, config.NumMelBins)
        {
            MaxHopFrames = Math.Clamp(longest, frames, config.MaxLength),
            Gate = _definition.HasGate,
            FindsActivity = Timing == EventTiming.Segment,
            ConfirmsActivity = _definition.Events.Confirms,
        };
    }
}
