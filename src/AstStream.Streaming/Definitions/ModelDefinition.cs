using AstStream.Dsp;
using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;
using AstStream.Model.Runtime;
using AstStream.Streaming.Scheduling;

namespace AstStream.Streaming.Definitions;

/// <summary>A model as a definition says it, before its checkpoint is opened.</summary>
internal sealed record ModelDefinition
{
    /// <summary>The word for what the machine decides.</summary>
    public const string Auto = "auto";

    private const int MaxSessions = 64;

    public required string Name { get; init; }

    /// <summary>The checkpoints' folders, full paths: one, or several of an ensemble; null for the default model.</summary>
    public IReadOnlyList<string>? Folders { get; init; }

    /// <summary>The folder of a model that scores in its shadow, a full path; null for none.</summary>
    public string? Shadow { get; init; }

    /// <summary>Whether it is one that scores in the shadow of another one.</summary>
    public bool IsShadow { get; init; }

    /// <summary>The model in its shadow, which runs as it does; null for none.</summary>
    public ModelDefinition? ShadowModel => Shadow is null ? null : this with
    {
        Folders = [Shadow],
        Shadow = null,
        IsShadow = true,
        Fingerprint = $"{Fingerprint} {Events.Fingerprint} {Shadow}",
    };

    /// <summary>Another window than the checkpoint's, in frames.</summary>
    public int? WindowFrames { get; init; }

    public int? FrequencyStride { get; init; }

    public int? TimeStride { get; init; }

    /// <summary>The hop in frames; null for half a window.</summary>
    public int? HopFrames { get; init; }

    /// <summary>How far a hop may be stretched, in frames; null for the window.</summary>
    public int? MaxHopFrames { get; init; }

    /// <summary>Whether windows that stay within the noise floor are kept from the model.</summary>
    public bool HasGate { get; init; }

    /// <summary>How logits become scores; null as the checkpoint says.</summary>
    public ScoreActivation? Activation { get; init; }

    public required BatchOptions Batching { get; init; }

    /// <summary>How each session runs; all drain one queue.</summary>
    public required IReadOnlyList<AstSessionOptions> Sessions { get; init; }

    public required EventDefinition Events { get; init; }

    /// <summary>Equal for sections that say the same of the model; whom it hears and what becomes of its scores aside.</summary>
    public required string Fingerprint { get; init; }

    /// <summary>Where it stands.</summary>
    public required SectionPlaces Places { get; init; }

    /// <summary>The key that names its checkpoints.</summary>
    public Key FoldersKey =>
        IsShadow ? PipelineKeys.Shadow : Places.Has(PipelineKeys.Ensemble) ? PipelineKeys.Ensemble : PipelineKeys.ModelPath;

    /// <summary>Takes the values of a section.</summary>
    public static ModelDefinition Read(string name, SectionReader section, SectionReader events)
    {
        if (section.Has(PipelineKeys.ModelPath) && section.Has(PipelineKeys.Ensemble))
            section.Problem(PipelineKeys.Ensemble, "stands beside 'path'; expected one of them");
        if (section.Has(PipelineKeys.Shadow) && section.Has(PipelineKeys.Ensemble))
            section.Problem(PipelineKeys.Shadow, "stands beside 'ensemble'; expected it beside 'path', whose place it may take");
        string? Folder(Key<string?> key) => section.Get(key) is { } path ? section.Resolve(path) : null;
        var (own, shadow) = (Folder(PipelineKeys.ModelPath), Folder(PipelineKeys.Shadow));
        if (shadow is not null && shadow == own)
            section.Problem(PipelineKeys.Shadow, "is the model itself; expected the folder of another one");
        var decoding = EventDefinition.Read(events);
        return new ModelDefinition
        {
            Name = name,
            Folders = section.Get(PipelineKeys.Ensemble) is { } several ? [.. several.Select(section.Resolve)]
                : own is not null ? [own] : null,
            Shadow = shadow,
            WindowFrames = Frames(section, PipelineKeys.Window),
            FrequencyStride = section.Get(PipelineKeys.FrequencyStride),
            TimeStride = section.Get(PipelineKeys.TimeStride),
            HopFrames = Frames(section, PipelineKeys.Hop),
            MaxHopFrames = Frames(section, PipelineKeys.MaxHop),
            HasGate = section.Get(PipelineKeys.Gate),
            Activation = section.Get(PipelineKeys.FunctionToApply) switch
            {
                "sigmoid" => ScoreActivation.Sigmoid,
                "softmax" => ScoreActivation.Softmax,
                _ => null,
            },
            Batching = new BatchOptions
            {
                MaxQueueDelay = section.Get(PipelineKeys.MaxQueueDelay) ?? TimeSpan.Zero,
                MaxAge = section.Get(PipelineKeys.MaxAge)
            },
            Sessions = ReadSessions(section),
            Events = decoding,
            Fingerprint = $"{section.Fingerprint(PipelineKeys.ModelInputs, PipelineKeys.ModelEvents, PipelineKeys.Shadow)} "
                + $"{decoding.Options.Timing} {decoding.Confirms} {decoding.Unusual?.Fingerprint}", // which windows there are, and of what
            Places = section.Places,
        };
    }

    private static List<AstSessionOptions> ReadSessions(SectionReader section)
    {
        var own = ReadSession(section, new AstSessionOptions());
        var several = section.Sections(PipelineKeys.Sessions, PipelineKeys.SessionKeys);
        if (several.Count > MaxSessions)
            section.Problem(PipelineKeys.Sessions, $"{several.Count} sessions; expected at most {MaxSessions}");
        return several.Count == 0
            ? [Checked(section, own)] : [.. several.Take(MaxSessions).Select(s => Checked(s, ReadSession(s, own)))];
    }

    /// <summary>A session's keys, laid over other options.</summary>
    private static AstSessionOptions ReadSession(SectionReader section, AstSessionOptions over)
    {
        T Get<T>(Key<T> key, T otherwise) => section.Has(key) ? section.Get(key) : otherwise;
        return over with
        {
            BatchSizes = Get(PipelineKeys.PreferredBatchSize, over.BatchSizes),
            Threads = Get(PipelineKeys.Threads, over.Threads),
            Precision = !section.Has(PipelineKeys.Precision) ? over.Precision : section.Get(PipelineKeys.Precision) is var word
                && word != Auto ? EnumWords.Parse<ModelPrecision>(word) : null,
            Tf32 = Get(PipelineKeys.Tf32, over.Tf32),
            Attention = section.Has(PipelineKeys.Attention)
                ? EnumWords.Parse<AttentionImplementation>(section.Get(PipelineKeys.Attention)) : over.Attention,
            Providers = section.Has(PipelineKeys.Providers)
                ? [.. section.Get(PipelineKeys.Providers).Select(EnumWords.Parse<ExecutionProvider>)] : over.Providers,
            Fallback = Get(PipelineKeys.Fallback, over.Fallback),
            DeviceId = Get(PipelineKeys.DeviceId, over.DeviceId),
            GpuMemoryLimit = Get(PipelineKeys.GpuMemoryLimit, over.GpuMemoryLimit) ?? 0,
            CudaGraph = Get(PipelineKeys.CudaGraph, over.CudaGraph),
            Parity = section.Has(PipelineKeys.Parity) ? EnumWords.Parse<ParityMode>(section.Get(PipelineKeys.Parity)) : over.Parity,
        };
    }

    private static AstSessionOptions Checked(SectionReader section, AstSessionOptions options)
    {
        if (options.Conflict is { } conflict)
            section.Problem(section.Has(PipelineKeys.Precision) ? PipelineKeys.Precision : PipelineKeys.Providers, conflict);
        return options;
    }

    private static int? Frames(SectionReader section, Key<TimeSpan?> key)
    {
        if (section.Get(key) is not { } duration)
            return null;
        if (FbankOptions.WholeFrames(duration) is { } frames)
            return frames;
        section.Problem(key, "expected a multiple of 10ms, a whole number of frames");
        return (int)Math.Ceiling(duration / FbankOptions.FrameTime);
    }
}
