using System.Security.Cryptography;
using System.Text;
using AstStream.Dsp;
using AstStream.Model;

namespace AstStream.Streaming.Pipelines;

/// <summary>The model section of a pipeline definition, read and checked against its checkpoints.</summary>
internal sealed class ModelSection : IDisposable
{
    private ModelSection(SectionReader section, IReadOnlyList<AstCheckpoint> checkpoints)
    {
        Checkpoints = checkpoints;
        int? frames = section.Get(PipelineKeys.Window) is { } window ? Frames(section, PipelineKeys.Window, window) : null;
        Configs = [.. checkpoints.Select(c => Fit(section, c.Config, frames))];
        CheckEnsemble(section);
        Window = ReadWindow(section);
        MaxQueueDelay = section.Get(PipelineKeys.MaxQueueDelay) ?? TimeSpan.Zero;
        Session = new AstSessionOptions
        {
            BatchSizes = section.Get(PipelineKeys.PreferredBatchSize),
            Threads = section.Get(PipelineKeys.Threads),
            Precision = EnumWords.Parse<ModelPrecision>(section.Get(PipelineKeys.Precision)),
            Attention = EnumWords.Parse<AttentionImplementation>(section.Get(PipelineKeys.Attention)),
            Providers = [.. section.Get(PipelineKeys.Providers).Select(EnumWords.Parse<ExecutionProvider>)],
            Fallback = section.Get(PipelineKeys.Fallback),
            DeviceId = section.Get(PipelineKeys.DeviceId),
            GpuMemoryLimit = section.Get(PipelineKeys.GpuMemoryLimit) ?? 0,
            CudaGraph = section.Get(PipelineKeys.CudaGraph),
            Parity = EnumWords.Parse<ParityMode>(section.Get(PipelineKeys.Parity)),
        };
        if (Session.Conflict is { } conflict)
            section.Problem(section.Has(PipelineKeys.Precision) ? PipelineKeys.Precision : PipelineKeys.Providers, conflict);
        Activations = [.. checkpoints.Select(c => section.Get(PipelineKeys.FunctionToApply) switch
        {
            "sigmoid" => ScoreActivation.Sigmoid,
            "softmax" => ScoreActivation.Softmax,
            _ => c.Config.DefaultActivation,
        })];
    }

    public IReadOnlyList<AstCheckpoint> Checkpoints { get; }

    public IReadOnlyList<AstConfig> Configs { get; }

    public IReadOnlyList<ScoreActivation> Activations { get; }

    public AstSessionOptions Session { get; }

    public WindowOptions Window { get; }

    public TimeSpan MaxQueueDelay { get; }

    public IReadOnlyList<string> Labels => Configs[0].Labels;

    public ScorerOptions Scorer => new(Checkpoints, Configs, Activations, Session);

    /// <summary>Tells the models apart: one checkpoint's hash, or one over all of an ensemble's.</summary>
    public string Hash => Checkpoints.Count == 1
        ? Checkpoints[0].Hash
        : Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(string.Join(' ', Checkpoints.Select(c => c.Hash)))));

    /// <summary>Opens the checkpoints that the section names, or the default one.</summary>
    /// <exception cref="InvalidCheckpointException">A checkpoint is broken. A folder that is not there is a problem of the section besides.</exception>
    public static ModelSection Read(SectionReader section, string defaultModel)
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
                if (section.Has(key) && !Directory.Exists(folder))
                    section.Problem(key, AstCheckpoint.NoFolder(folder));
                checkpoints.Add(AstCheckpoint.Open(folder));
            }

            return new ModelSection(section, checkpoints);
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

    private static AstConfig Fit(SectionReader section, AstConfig config, int? frames)
    {
        try
        {
            return config.WithWindow(frames, section.Get(PipelineKeys.FrequencyStride), section.Get(PipelineKeys.TimeStride));
        }
        catch (ModelExecutionException e)
        {
            section.Problem(((Key[])[PipelineKeys.Window, PipelineKeys.FrequencyStride]).FirstOrDefault(section.Has) ?? PipelineKeys.TimeStride, e.Message);
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
                section.Problem(PipelineKeys.Ensemble, $"{name}: has other labels than {Checkpoints[0].Folder}; expected the same ones in the same order, so that scores can be averaged");
            if (other.MaxLength != first.MaxLength || other.NumMelBins != first.NumMelBins)
                section.Problem(PipelineKeys.Ensemble, $"{name}: takes windows of {other.MaxLength} frames of {other.NumMelBins} bins, {Checkpoints[0].Folder} of {first.MaxLength} of {first.NumMelBins}; expected the same, which 'window' can make");
        }
    }

    private WindowOptions ReadWindow(SectionReader section)
    {
        var config = Configs[0];
        var frames = section.Get(PipelineKeys.Hop) is { } hop ? Frames(section, PipelineKeys.Hop, hop) : config.MaxLength / 2;
        if (frames > config.MaxLength)
        {
            const double frame = (double)FbankOptions.FrameShift / FbankOptions.SampleRate;
            section.Problem(PipelineKeys.Hop, FormattableString.Invariant($"longer than the model's window of {config.MaxLength * frame} s: sound between windows would not be heard"));
            frames = config.MaxLength;
        }

        return new WindowOptions(config.MaxLength, Math.Max(1, frames), config.NumMelBins);
    }
}
