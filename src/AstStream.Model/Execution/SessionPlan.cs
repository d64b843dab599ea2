
namespace AstStream.Model.Execution;

/// <summary>Checks what was asked for against what is there, before anything is built.</summary>
/// <param name="Options">The options, but for what fell back.</param>
/// <param name="Providers">The providers to use; at least one.</param>
/// <param name="Graph">The graph to build.</param>
internal sealed record SessionPlan(AstSessionOptions Options, IReadOnlyList<ExecutionProvider> Providers, AstGraphOptions Graph)
{
    public static SessionPlan Make(AstSessionOptions options, List<string> warnings)
    {
        ArgumentOutOfRangeException.ThrowIfZero(options.BatchSizes.Count, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.BatchSizes.Min(), 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.BatchSizes.Max(), AstSessionOptions.MaxBatchSize, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Threads, 0, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Threads, AstSessionOptions.MaxThreads, nameof(options));
        var providers = Available(options, warnings);
        options = options with { Precision = Precision(options, providers[0], warnings) };
        if (options.Outputs.HasFlag(AstOutputs.Attentions) && options.Attention != AttentionImplementation.Eager)
            throw new ModelExecutionException("attentions are only given by eager attention: the fused one never holds them; expected attention: eager");

        // TensorRT has no kernel for the fused operator and would leave half of the graph to the next provider.
        if (providers[0] == ExecutionProvider.TensorRt)
            options = options with { Attention = AttentionImplementation.Eager };
        return new SessionPlan(options, providers, new AstGraphOptions
        {
            Attention = options.Attention,
            Precision = options.Precision,
            Outputs = options.Outputs,
            FoldNormalization = options.FoldNormalization,
            CastLayerNorm = providers[0] == ExecutionProvider.TensorRt,
        });
    }

    private static List<ExecutionProvider> Available(AstSessionOptions options, List<string> warnings)
    {
        var providers = new List<ExecutionProvider>();
        foreach (var provider in options.Providers.Distinct())
        {
            if (ExecutionProviders.WhyMissing(provider) is not { } why)
                providers.Add(provider);
            else if (options.Fallback)
                warnings.Add($"{provider.Name()} can't be had, passed over: {why}");
            else
                throw new ModelExecutionException($"{provider.Name()} was asked for and can't be had: {why}. To go on without it: providers: [cpu], or fallback: true");
        }

        return providers.Count > 0 ? providers : [ExecutionProvider.Cpu];
    }

    private static ModelPrecision Precision(AstSessionOptions options, ExecutionProvider first, List<string> warnings)
    {
        var name = options.Precision.ToString().ToLowerInvariant();
        var why = (options.Precision, first) switch
        {
            (ModelPrecision.Float16 or ModelPrecision.BFloat16, ExecutionProvider.Cpu) =>
                $"{name} is not for the CPU, which has no kernels for it (float16 was measured 85 times slower than float32 there); expected float32 or int8, or a GPU provider",
            (ModelPrecision.Int8, not ExecutionProvider.Cpu) => $"int8 is for the CPU; expected float32, float16 or bfloat16 on {first.Name()}",
            _ => null,
        };
        if (why is null)
            return options.Precision;
        if (!options.Fallback)
            throw new ModelExecutionException(why);
        warnings.Add($"{why}; float32 is used");
        return ModelPrecision.Float32;
    }
}
