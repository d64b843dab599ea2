using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using AstStream.Dsp;
using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;
using AstStream.Model.Runtime;
using AstStream.Streaming.FrontEnd;
using AstStream.Streaming.Scheduling;

namespace AstStream.Streaming.Pipelines;

/// <summary>The model section of a pipeline definition, read and checked against its checkpoints.</summary>
internal sealed class ModelSection : IDisposable
{
    private const int MaxSessions = 64;

    private ModelSection(string name, SectionReader section, IReadOnlyList<AstCheckpoint> checkpoints)
    {
        Name = name;
        Fingerprint = section.Fingerprint;
        Checkpoints = checkpoints;
        int? frames = section.Get(PipelineKeys.Window) is { } window ? Frames(section, PipelineKeys.Window, window) : null;
        Configs = [.. checkpoints.Select(c => Fit(section, c.Config, frames))];
        CheckEnsemble(section);
        Window = ReadWindow(section);
        Batching = new BatchOptions
        {
            MaxQueueDelay = section.Get(PipelineKeys.MaxQueueDelay) ?? TimeSpan.Zero,
            MaxAge = section.Get(PipelineKeys.MaxAge)
        };
        var own = ReadSession(section, new AstSessionOptions());
        var several = section.Sections(PipelineKeys.Sessions, PipelineKeys.SessionKeys);
        if (several.Count > MaxSessions)
            section.Problem(PipelineKeys.Sessions, $"{several.Count} sessions; expected at most {MaxSessions}");
        Sessions = several.Count == 0
            ? [Checked(section, own)] : [.. several.Take(MaxSessions).Select(s => Checked(s, ReadSession(s, own)))];
        Activations = [.. checkpoints.Select(c => section.Get(PipelineKeys.FunctionToApply) switch
        {
            "sigmoid" => ScoreActivation.Sigmoid,
            "softmax" => ScoreActivation.Softmax,
            _ => c.Config.DefaultActivation,
        })];
        if (Activations.Contains(ScoreActivation.None))
            section.Problem(PipelineKeys.FunctionToApply,
                "the model gives numbers and no scores (problem_type regression); expected sigmoid or softmax, which make scores of them");
    }

    /// <summary>The model's name in the pipeline.</summary>
    public string Name { get; }

    /// <summary>Equal for sections that say the same.</summary>
    public string Fingerprint { get; }

    public IReadOnlyList<AstCheckpoint> Checkpoints { get; }

    public IReadOnlyList<AstConfig> Configs { get; }

    public IReadOnlyList<ScoreActivation> Activations { get; }

    /// <summary>How each session runs; all drain one queue.</summary>
    public IReadOnlyList<AstSessionOptions> Sessions { get; }

    public WindowOptions Window { get; }

    public BatchOptions Batching { get; }

    public IReadOnlyList<string> Labels => Configs[0].Labels;

    /// <summary>
    /// The score that opens an event of a label where the pipeline says none: the checkpoint's own, if it brings one for scores as they are
    /// made here.
    /// </summary>
    public float DefaultThreshold(int label) =>
        Checkpoints is [{ Thresholds: { } own } only] && Activations[0] == only.Config.DefaultActivation && !float.IsNaN(own[label])
            ? own[label] : 0.5f;

    public ScorerOptions Scorer => new(Checkpoints, Configs, Activations);

    /// <summary>One session in a few words.</summary>
    public string Describe(AstSessionOptions session) =>
        $"{string.Join(" + ", Checkpoints.Select(c => c.Name))} on "
            + string.Join(", ", [
                .. session.Providers.Select(EnumWords.Word), session.Precision.Word(), .. Activations.Distinct().Select(EnumWords.Word),
            ])
            + $", at most {session.BatchSizes.Max()} windows, {Batching.MaxQueueDelay.TotalMilliseconds:0} ms of waiting";

    /// <summary>Tells the models apart: one checkpoint's hash, or one over all of an ensemble's.</summary>
    public string Hash => Checkpoints.Count == 1
        ? Checkpoints[0].Hash
        : Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(string.Join(' ', Checkpoints.Select(c => c.Hash)))));

    /// <summary>Tells apart what scores a window differently or cuts it differently.</summary>
    public string Identity =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{Hash} {Window.WindowFrames}/{Window.HopFrames} {Configs[0].FrequencyStride}/{Configs[0].TimeStride} "
                + $"{string.Join(' ', Activations)}");

    /// <summary>Opens the checkpoints that the section names, or the default one.</summary>
    /// <exception cref="InvalidCheckpointException">
    /// A checkpoint is broken. A folder that is not there is a problem of the section besides.
    /// </exception>
    public static ModelSection Read(string name, SectionReader section, string defaultModel)
    {
        if (section.Has(PipelineKeys.ModelPath) && section.Has(PipelineKeys.Ensemble))
            section.Problem(PipelineKeys.Ensemble, "stands beside 'path'; expected one of them");
        var key = section.Has(PipelineKeys.Ensemble) ? (Key)PipelineKeys.Ensemble : PipelineKeys.ModelPath;
        IReadOnlyList<string> folders = section.Get(PipelineKeys.Ensemble) is { } several ? [.. several.Select(section.Resolve)]
            : [section.Get(PipelineKeys.ModelPath) is { } path ? section.Resolve(path) : defaultModel];
        var checkpoints = new List<AstCheckpoint>();
        try
        {
            foreach (var folder in folders)
            {
                if (section.Has(key) && !Directory.Exists(folder) && !File.Exists(folder))
                    section.Problem(key, AstCheckpoint.NoFolder(folder));
                checkpoints.Add(AstCheckpoint.Open(folder));
            }

            return new ModelSection(name, section, checkpoints);
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

    /// <summary>A session's keys, laid over other options.</summary>
    private static AstSessionOptions ReadSession(SectionReader section, AstSessionOptions over)
    {
        T Get<T>(Key<T> key, T otherwise) => section.Has(key) ? section.Get(key) : otherwise;
        return over with
        {
            BatchSizes = Get(PipelineKeys.PreferredBatchSize, over.BatchSizes),
            Threads = Get(PipelineKeys.Threads, over.Threads),
            Precision = section.Has(PipelineKeys.Precision)
                ? EnumWords.Parse<ModelPrecision>(section.Get(PipelineKeys.Precision)) : over.Precision,
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

    private static AstConfig Fit(SectionReader section, AstConfig config, int? frames)
    {
        try
        {
            return config.WithWindow(frames, section.Get(PipelineKeys.FrequencyStride), section.Get(PipelineKeys.TimeStride));
        }
        catch (ModelExecutionException e)
        {
            section.Problem(
                ((Key[])[PipelineKeys.Window, PipelineKeys.FrequencyStride]).FirstOrDefault(section.Has) ?? PipelineKeys.TimeStride,
                e.Message);
            return config;
        }
    }

    private static int Frames(SectionReader section, Key key, TimeSpan duration)
    {
        if (FbankOptions.WholeFrames(duration) is { } frames)
            return frames;
        section.Problem(key, "expected a multiple of 10ms, a whole number of frames");
        return (int)Math.Ceiling(duration / FbankOptions.FrameTime);
    }

    private void CheckEnsemble(SectionReader section)
    {
        for (var i = 1; i < Configs.Count; i++)
        {
            var (first, other) = (Configs[0], Configs[i]);
            var name = Checkpoints[i].Folder;
            if (!other.Labels.SequenceEqual(first.Labels))
                section.Problem(
                    PipelineKeys.Ensemble,
                    $"{name}: has other labels than {Checkpoints[0].Folder}; expected the same ones in the same order, so that scores can "
                        + $"be averaged");
            if (other.MaxLength != first.MaxLength || other.NumMelBins != first.NumMelBins)
                section.Problem(
                    PipelineKeys.Ensemble,
                    $"{name}: takes windows of {other.MaxLength} frames of {other.NumMelBins} bins, {Checkpoints[0].Folder} of "
                        + $"{first.MaxLength} of {first.NumMelBins}; expected the same, which 'window' can make");
        }
    }

    private WindowOptions ReadWindow(SectionReader section)
    {
        var config = Configs[0];
        var frames = section.Get(PipelineKeys.Hop) is { } hop ? Frames(section, PipelineKeys.Hop, hop) : config.MaxLength / 2;
        if (frames > config.MaxLength)
        {
            const double frame = (double)FbankOptions.FrameShift / FbankOptions.SampleRate;
            section.Problem(
                PipelineKeys.Hop,
                FormattableString.Invariant(
                $"longer than the model's window of {config.MaxLength * frame} s: sound between windows would not be heard"));
            frames = config.MaxLength;
        }

        frames = Math.Max(1, frames);
        var longest = section.Get(PipelineKeys.MaxHop) is { } maxHop ? Frames(section, PipelineKeys.MaxHop, maxHop) : config.MaxLength;
        if (longest < frames || longest > config.MaxLength)
            section.Problem(
                PipelineKeys.MaxHop,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"expected at least the hop of {frames * FbankOptions.FrameTime.TotalSeconds} s and at most the window of "
                        + $"{config.MaxLength * FbankOptions.FrameTime.TotalSeconds} s"));
        return new WindowOptions(config.MaxLength, frames, config.NumMelBins)
        {
            MaxHopFrames = Math.Clamp(longest, frames, config.MaxLength),
            Gate = section.Get(PipelineKeys.Gate),
        };
    }
}
