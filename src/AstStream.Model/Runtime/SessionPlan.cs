using System.Globalization;
using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;

namespace AstStream.Model.Runtime;

/// <summary>Checks what was asked for against what is there, before anything is built.</summary>
/// <param name="Options">The options, but for what fell back.</param>
/// <param name="Providers">The providers to use; at least one.</param>
/// <param name="Graph">The graph to build.</param>
internal sealed record SessionPlan(AstSessionOptions Options, IReadOnlyList<ExecutionProvider> Providers, AstGraphOptions Graph)
{
    private const long MaxBufferLength = 1 << 29; // floats: 2.1 GB

    private static readonly int[] s_onCpu = [1, 2, 4, 8];
    private static readonly int[] s_onGpu = [1, 2, 4, 8, 16, 32, 64];

    /// <summary>Of what was not asked for and can be had, in the order in which it is tried: the precisions of a provider.</summary>
    public static IReadOnlyList<ModelPrecision> Precisions(ExecutionProvider provider) => provider == ExecutionProvider.Cpu
        ? [ModelPrecision.Float32] : [ModelPrecision.Float16, ModelPrecision.BFloat16, ModelPrecision.Float32];

    /// <summary>Whether the batch sizes are to be chosen of those that are run at the start.</summary>
    public bool ChoosesSizes { get; private init; }

    /// <summary>Makes a plan.</summary>
    /// <param name="options">What was asked for.</param>
    /// <param name="passedOver">Precisions that were tried already, where none was asked for.</param>
    /// <param name="tuning">Gives what is known of the model on a provider; null where that is nothing.</param>
    /// <param name="warnings">Gets what is passed over.</param>
    public static SessionPlan Make(
        AstSessionOptions options, IReadOnlyList<ModelPrecision> passedOver, Func<ExecutionProvider, DeviceTuning?> tuning,
        List<string> warnings)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.BatchSizes.DefaultIfEmpty(1).Min(), 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(
            options.BatchSizes.DefaultIfEmpty(1).Max(), AstSessionOptions.MaxBatchSize, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Threads, 0, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Threads, AstSessionOptions.MaxThreads, nameof(options));
        if (options.Conflict is { } conflict)
            throw new ModelExecutionException(conflict);
        var providers = Available(options, warnings);
        var isOnGpu = providers[0] != ExecutionProvider.Cpu;
        var isFree = options.BatchSizes.Count == 0;
        var known = isOnGpu && (isFree || options.Precision is null) ? tuning(providers[0]) : null;
        options = options with
        {
            Precision = Precision(options, providers[0], warnings)
                ?? (known is not null && !passedOver.Contains(known.Precision) ? known.Precision
                    : Precisions(providers[0]).First(p => !passedOver.Contains(p))),
            BatchSizes = options.BatchSizes.Count > 0 ? options.BatchSizes : !isOnGpu ? s_onCpu
                : known is { BatchSizes.Count: > 0 } ? known.BatchSizes : s_onGpu,
        };
        if (providers[0] == ExecutionProvider.TensorRt && options.Attention != AttentionImplementation.Eager)
        {
            warnings.Add("tensorrt does not know the fused attention operator and fuses by itself; eager attention is given to it");
            options = options with { Attention = AttentionImplementation.Eager };
        }

        return new SessionPlan(options, providers, new AstGraphOptions
        {
            Attention = options.Attention,
            Precision = options.Precision.Value,
            Outputs = options.Outputs,
            FoldNormalization = !options.IsNormalized && !isOnGpu, // on its way to a GPU the input is normalised
            PackQkv = options.PackQkv && providers[0] == ExecutionProvider.Cuda,
            CastLayerNorm = providers[0] == ExecutionProvider.TensorRt,
        })
        { ChoosesSizes = isOnGpu && isFree && known is not { BatchSizes.Count: > 0 } };
    }

    /// <summary>Checks that the checkpoint has what is asked for, and that no buffer of the session becomes too large.</summary>
    /// <exception cref="ModelExecutionException">It has not, or one does.</exception>
    public static void CheckOutputs(AstCheckpoint checkpoint, AstConfig config, AstSessionOptions options)
    {
        if (options.Outputs.HasFlag(AstOutputs.Columns) && config.Localiser is null)
            throw new ModelExecutionException(
                $"{checkpoint.Folder}: has no localiser, which gives {AstGraph.Columns}; expected other outputs, or a checkpoint whose "
                    + $"config.json describes one");
        var batch = (long)options.BatchSizes.Max() * options.Slots;
        var largest = AstGraph.Outputs(config, options.Outputs).Max(o => o.Shape.Aggregate(1L, (a, b) => a * b));
        largest = Math.Max(largest, (long)config.MaxLength * config.NumMelBins);
        if (largest * batch > MaxBufferLength)
        {
            throw new ModelExecutionException(string.Create(
                CultureInfo.InvariantCulture,
                $"{checkpoint.Folder}: a batch of {batch} windows takes {largest * batch * 4 / 1e9:0.0} GB for one buffer; expected at "
                    + $"most {MaxBufferLength * 4 / 1e9:0.0} GB: take smaller batches or fewer outputs"));
        }
    }

    private static List<ExecutionProvider> Available(AstSessionOptions options, List<string> warnings)
    {
        var providers = new List<ExecutionProvider>();
        foreach (var provider in options.Providers.Distinct())
        {
            if (ExecutionProviders.WhyMissing(provider) is not { } why)
                providers.Add(provider);
            else if (options.Fallback)
                warnings.Add($"{provider.Word()} can't be had, passed over: {why}");
            else
                throw new ModelExecutionException(
                    $"{provider.Word()} was asked for and can't be had: {why}. To go on without it, ask for cpu, or allow a fallback");
        }

        return providers.Count > 0 ? providers : [ExecutionProvider.Cpu];
    }

    private static ModelPrecision? Precision(AstSessionOptions options, ExecutionProvider first, List<string> warnings)
    {
        var why = options.PrecisionConflict(first);
        if (why is null)
            return options.Precision;
        if (!options.Fallback)
            throw new ModelExecutionException(why);
        warnings.Add($"{why}; float32 is used");
        return ModelPrecision.Float32;
    }
}
