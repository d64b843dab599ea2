using AstStream.Model.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace AstStream.Model;

/// <summary>What a session gives besides logits.</summary>
[Flags]
public enum AstOutputs
{
    /// <summary>[batch, labels]; always given.</summary>
    Logits = 0,

    /// <summary>[batch, hidden_size]: the mean of the cls and the distillation token after the last LayerNorm.</summary>
    PoolerOutput = 1,

    /// <summary>[batch, tokens, hidden_size]: all tokens after the last LayerNorm.</summary>
    LastHiddenState = 2,
}

/// <summary>How to run a model.</summary>
public sealed record AstSessionOptions
{
    /// <summary>The most windows in one run, 1 to 1024; 8 by default.</summary>
    public int MaxBatch { get; init; } = 8;

    /// <summary>Threads of one run, 0 (all cores, the default) to 256.</summary>
    public int Threads { get; init; }

    /// <summary>Outputs besides the logits; none by default.</summary>
    public AstOutputs Outputs { get; init; }

    /// <summary>Where built graphs are kept; ASTSTREAM_CACHE, else $XDG_CACHE_HOME/aststream, else ~/.cache/aststream.</summary>
    public string CacheFolder { get; init; } = DefaultCacheFolder;

    private static string DefaultCacheFolder =>
        Environment.GetEnvironmentVariable("ASTSTREAM_CACHE") is { Length: > 0 } own ? own
        : Path.Combine(
            Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } xdg ? xdg
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify), ".cache"),
            "aststream");
}

/// <summary>
/// A model that runs: fill rows of the input, run, read rows of the outputs. Inputs and outputs stay in the same buffers, bound
/// once for each batch size, so a run copies and allocates nothing. On ONNX Runtime's CPU provider, in float32.
/// For one thread at a time.
/// </summary>
public sealed class AstSession : IDisposable
{
    private const long MaxBufferLength = 1 << 29; // floats: 2.1 GB

    private readonly InferenceSession _session;
    private readonly RunOptions _runOptions = new();
    private readonly Binding?[] _bindings; // by batch size
    private readonly AstOutputs _outputs;
    private readonly float[] _input;
    private readonly float[] _logits;
    private readonly float[] _pooler;
    private readonly float[] _hidden;
    private int _batch;

    private AstSession(AstConfig config, AstSessionOptions options, string graph)
    {
        Config = config;
        MaxBatch = options.MaxBatch;
        _outputs = options.Outputs;
        RuntimePrivacy.Ensure();
        using var session = new SessionOptions
        {
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
            // Unlike ONNX Runtime's own count, .NET's respects a container's share of the cores.
            IntraOpNumThreads = options.Threads > 0 ? options.Threads : Environment.ProcessorCount,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        };

        // The front end and the sinks share the cores: threads that wait for work must not burn them.
        session.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
        _session = new InferenceSession(graph, session);
        _bindings = new Binding?[MaxBatch + 1];
        _input = Pinned(WindowLength);
        _logits = Pinned(config.Labels.Count);
        _pooler = Pinned(_outputs.HasFlag(AstOutputs.PoolerOutput) ? config.HiddenSize : 0);
        _hidden = Pinned(_outputs.HasFlag(AstOutputs.LastHiddenState) ? config.Tokens * config.HiddenSize : 0);
    }

    /// <summary>The architecture that runs.</summary>
    public AstConfig Config { get; }

    /// <summary>The most windows in one run.</summary>
    public int MaxBatch { get; }

    private int WindowLength => Config.MaxLength * Config.NumMelBins;

    /// <summary>Builds (or finds in the cache) the graph of a checkpoint and opens it.</summary>
    /// <exception cref="InvalidCheckpointException">The weights are broken or the cache can't be written.</exception>
    public static AstSession Create(AstCheckpoint checkpoint, AstSessionOptions? options = null)
    {
        options ??= new AstSessionOptions();
        ArgumentOutOfRangeException.ThrowIfLessThan(options.MaxBatch, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.MaxBatch, 1024, nameof(options));
        ArgumentOutOfRangeException.ThrowIfLessThan(options.Threads, 0, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.Threads, 256, nameof(options));
        var config = checkpoint.Config;
        var largest = Math.Max((long)config.MaxLength * config.NumMelBins, options.Outputs.HasFlag(AstOutputs.LastHiddenState) ? (long)config.Tokens * config.HiddenSize : 0);
        if (largest * options.MaxBatch > MaxBufferLength)
            throw new InvalidCheckpointException($"{checkpoint.Folder}: a batch of {options.MaxBatch} windows takes {largest * options.MaxBatch * 4 / 1e9:0.0} GB for one buffer; expected at most {MaxBufferLength * 4 / 1e9:0.0} GB: take smaller batches");
        var graph = GraphCache.GetOrBuild(checkpoint, options.CacheFolder);
        try
        {
            return new AstSession(checkpoint.Config, options, graph);
        }
        catch (OnnxRuntimeException e)
        {
            throw new InvalidCheckpointException($"{graph}: ONNX Runtime can't open the graph built from {checkpoint.Folder}: {e.Message}");
        }
    }

    /// <summary>Row <paramref name="row"/> of the input: max_length rows of num_mel_bins normalised values.</summary>
    public Span<float> Input(int row) => _input.AsSpan(row * WindowLength, WindowLength);

    /// <summary>Scores the first <paramref name="batch"/> rows of the input.</summary>
    /// <exception cref="InvalidCheckpointException">The model gives logits that are no finite numbers.</exception>
    public void Run(int batch)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(batch, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(batch, MaxBatch);
        var binding = _bindings[batch] ??= Bind(batch);
        _session.RunWithBinding(_runOptions, binding.IoBinding);
        _batch = batch;
        if (_logits.AsSpan(0, batch * Config.Labels.Count).ContainsAnyExceptInRange(float.MinValue, float.MaxValue))
            throw new InvalidCheckpointException("the model gives logits that are no finite numbers; are its weights and the extractor's mean and std right?");
    }

    /// <summary>The logits of one row of the last run.</summary>
    public Span<float> Logits(int row) => Row(_logits, row, Config.Labels.Count);

    /// <summary>The pooled hidden state of one row of the last run.</summary>
    public ReadOnlySpan<float> PoolerOutput(int row) => Row(_pooler, row, Config.HiddenSize);

    /// <summary>All tokens of one row of the last run, [tokens, hidden_size].</summary>
    public ReadOnlySpan<float> LastHiddenState(int row) => Row(_hidden, row, Config.Tokens * Config.HiddenSize);

    /// <summary>Closes the model.</summary>
    public void Dispose()
    {
        foreach (var binding in _bindings)
            binding?.Dispose();
        _runOptions.Dispose();
        _session.Dispose();
    }

    private Span<float> Row(float[] output, int row, int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, _batch);
        return output.Length > 0 ? output.AsSpan(row * length, length) : throw new InvalidOperationException("the session was not made with this output");
    }

    private Binding Bind(int batch)
    {
        var binding = new Binding(_session.CreateIoBinding());
        binding.Input(AstGraph.InputValues, _input, batch, Config.MaxLength, Config.NumMelBins);
        binding.Output(AstGraph.Logits, _logits, batch, Config.Labels.Count);
        if (_outputs.HasFlag(AstOutputs.PoolerOutput))
            binding.Output(AstGraph.PoolerOutput, _pooler, batch, Config.HiddenSize);
        if (_outputs.HasFlag(AstOutputs.LastHiddenState))
            binding.Output(AstGraph.LastHiddenState, _hidden, batch, Config.Tokens, Config.HiddenSize);
        return binding;
    }

    private float[] Pinned(int rowLength) => GC.AllocateArray<float>(MaxBatch * rowLength, pinned: true);

    private sealed class Binding(OrtIoBinding binding) : IDisposable
    {
        private readonly List<OrtValue> _values = [];

        public OrtIoBinding IoBinding => binding;

        public void Input(string name, float[] memory, params long[] shape) => binding.BindInput(name, Value(memory, shape));

        public void Output(string name, float[] memory, params long[] shape) => binding.BindOutput(name, Value(memory, shape));

        public void Dispose()
        {
            binding.Dispose();
            foreach (var value in _values)
                value.Dispose();
        }

        private OrtValue Value(float[] memory, long[] shape)
        {
            var length = (int)shape.Aggregate(1L, (a, b) => a * b);
            var value = OrtValue.CreateTensorValueFromMemory(OrtMemoryInfo.DefaultInstance, memory.AsMemory(0, length), shape);
            _values.Add(value);
            return value;
        }
    }
}
