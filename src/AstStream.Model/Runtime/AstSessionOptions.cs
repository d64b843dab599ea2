using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;

namespace AstStream.Model.Runtime;

/// <summary>How to run a model.</summary>
public sealed record AstSessionOptions
{
    /// <summary>The largest batch that may be asked for, in windows.</summary>
    public const int MaxBatchSize = 1024;

    /// <summary>The most threads of one run.</summary>
    public const int MaxThreads = 256;

    /// <summary>
    /// The configuration to run: null for the checkpoint's own, or that one <see cref="AstConfig.WithWindow">with another window</see>.
    /// </summary>
    public AstConfig? Config { get; init; }

    /// <summary>
    /// The batch sizes that are run, 1 to 1024 windows each. None, the default: on a CPU 1, 2, 4 and 8; on a GPU those of the powers of two
    /// up to 64 that it likes, as it is measured at the first start and kept in the cache. Each has its own bound memory and, on CUDA, its
    /// own CUDA graph. On a GPU a batch is padded up to the next size, on a CPU what is at hand is cut into sizes.
    /// </summary>
    public IReadOnlyList<int> BatchSizes { get; init; } = [];

    /// <summary>Places for a batch's rows, 1 (the default) or 2: with two, one can be filled and read while the other runs.</summary>
    public int Slots { get; init; } = 1;

    /// <summary>Threads of one run on the CPU, 0 (all cores, the default) to 256.</summary>
    public int Threads { get; init; }

    /// <summary>Threads that are used. Unlike ONNX Runtime's own count, .NET's respects a container's share of the cores.</summary>
    internal int ThreadCount => Threads > 0 ? Threads : Environment.ProcessorCount;

    /// <summary>Outputs besides the logits; none by default.</summary>
    public AstOutputs Outputs { get; init; }

    /// <summary>How attention is written; fused by default.</summary>
    public AttentionImplementation Attention { get; init; }

    /// <summary>
    /// The precision of the encoder's products. None, the default: float32 on a CPU; on a GPU float16, or bfloat16 or float32 where the
    /// parity check does not bear that.
    /// </summary>
    public ModelPrecision? Precision { get; init; }

    /// <summary>
    /// Whether float32 products on a GPU have their factors rounded to TF32's 10 bits, several times faster; true by default.
    /// </summary>
    public bool Tf32 { get; init; } = true;

    /// <summary>
    /// Whether queries, keys and values come from one product on CUDA, where attention is fused; false by default: it is faster for one
    /// or two windows alone. Logits are the same up to rounding.
    /// </summary>
    public bool PackQkv { get; init; }

    /// <summary>
    /// What to run on, the first one first; the CPU by default. What a provider has no kernel for goes to the next one, and at last to the
    /// CPU.
    /// </summary>
    public IReadOnlyList<ExecutionProvider> Providers { get; init; } = [ExecutionProvider.Cpu];

    /// <summary>
    /// Whether a provider that can't be had is passed over (and half precision with it, on a CPU); false by default, which refuses.
    /// </summary>
    public bool Fallback { get; init; }

    /// <summary>The GPU's number, from 0, the default.</summary>
    public int DeviceId { get; init; }

    /// <summary>
    /// The most GPU memory of one session's arena (with TensorRT, of its workspace), in bytes; 0, the default, for no limit. CUDA's own
    /// libraries take some hundred megabytes besides.
    /// </summary>
    public long GpuMemoryLimit { get; init; }

    /// <summary>Whether each batch size is captured as a CUDA graph; true by default, and only where all runs on CUDA.</summary>
    public bool CudaGraph { get; init; } = true;

    /// <summary>What happens when the scores at the start are not the reference's; refused by default.</summary>
    public ParityMode Parity { get; init; }

    /// <summary>
    /// Whether others score on the same processor while it opens: it is run less before its first window then, with pauses as long as its
    /// runs. False by default.
    /// </summary>
    public bool StartsGently { get; init; }

    /// <summary>Whether the input is normalised, as the extractor's input_values are; false, the default, for raw log-mel.</summary>
    public bool IsNormalized { get; init; }

    /// <summary>Where built graphs are kept; ASTSTREAM_CACHE, else $XDG_CACHE_HOME/aststream, else ~/.cache/aststream.</summary>
    public string CacheFolder { get; init; } = DefaultCacheFolder;

    /// <summary>What of these options can't go together on any machine; null where all can.</summary>
    public string? Conflict
    {
        get
        {
            var asked = Providers.Distinct().ToList();
            if (asked.IndexOf(ExecutionProvider.Cpu) is var cpu and >= 0 && cpu < asked.Count - 1)
                return $"providers {string.Join(", ", asked.Select(p => p.Word()))}: cpu runs everything, so nothing after it is ever "
                    + $"used; expected it last";
            if (Outputs.HasFlag(AstOutputs.Attentions) && Attention != AttentionImplementation.Eager)
                return "attentions are only given by eager attention: the fused one never holds them; expected eager attention";
            return Fallback ? null : PrecisionConflict(asked[0]);
        }
    }

    /// <summary>Why the precision is not for a provider; null where it is.</summary>
    internal string? PrecisionConflict(ExecutionProvider provider)
    {
        var name = Precision?.Word();
        return (Precision, provider) switch
        {
            (ModelPrecision.Float16 or ModelPrecision.BFloat16, ExecutionProvider.Cpu) =>
                $"{name} is not for the CPU, which has no kernels for it (float16 was measured 85 times slower than float32 there); "
                    + $"expected float32 or int8, or a GPU provider",
            (ModelPrecision.Int8, not ExecutionProvider.Cpu) =>
                $"int8 is for the CPU; expected float32, float16 or bfloat16 on {provider.Word()}",
            _ => null,
        };
    }

    /// <summary>
    /// Where the product keeps what it can make again: $XDG_CACHE_HOME/aststream, else ~/.cache/aststream, unless ASTSTREAM_CACHE or the
    /// program that uses it says otherwise.
    /// </summary>
    public static string DefaultCacheFolder { get; set; } =
        Environment.GetEnvironmentVariable("ASTSTREAM_CACHE") is { Length: > 0 } own ? own
        : Path.Combine(
            Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } xdg ? xdg
            : Path.Combine(
                Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify), ".cache"),
            "aststream");
}
