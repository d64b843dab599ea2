using System.Globalization;
using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace AstStream.Model.Runtime;

/// <summary>
/// A model that runs: fill rows of the input, run, read rows of the outputs. Inputs and outputs stay at the same addresses, bound once for
/// each batch size, so a run copies and allocates nothing. For one thread at a time.
/// </summary>
public sealed class AstSession : IDisposable
{
    private readonly string _name;
    private readonly AstSessionOptions _options;
    private readonly BatchPlan _plan;
    private readonly SessionThread? _thread; // only on a GPU
    private readonly Action _runRows;
    private readonly string _profile = Path.Combine(Path.GetTempPath(), $"aststream-{Path.GetRandomFileName()}");
    private readonly List<Output> _outputs = [];
    private readonly Dictionary<(int Row, int Size), RunBinding> _bindings = [];

    // Made once, on the session's own thread.
    private InferenceSession _session = null!;
    private DeviceMemory? _device;
    private HostBuffer _input = null!;
    private Output _logits = null!;
    private bool _isProfiling;
    private int _rows;
    private int _slot;
    private bool _isDisposed;

    internal AstSession(string name, AstConfig config, AstSessionOptions options, IReadOnlyList<ExecutionProvider> providers, string graph)
    {
        _name = name;
        Config = config;
        _options = options;
        Providers = providers;

        // An eight-bit batch is scored window by window: the scale of a window's activations must not depend on its neighbours.
        _plan = new BatchPlan(options.Precision == ModelPrecision.Int8 ? [1] : options.BatchSizes, pads: IsOnGpu);
        MaxBatch = options.BatchSizes.Max();
        UsesCudaGraph = options.CudaGraph && providers[0] == ExecutionProvider.Cuda;
        _runRows = RunRows;
        _thread = IsOnGpu ? new SessionThread() : null;
        try
        {
            OnThread(() => Open(graph));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The architecture that runs.</summary>
    public AstConfig Config { get; }

    /// <summary>The most windows in one run.</summary>
    public int MaxBatch { get; }

    /// <summary>The batch sizes that are run.</summary>
    public IReadOnlyList<int> BatchSizes => _plan.Sizes;

    /// <summary>The precision that runs: the one that was asked for, but for a fallback.</summary>
    public ModelPrecision Precision => _options.Precision;

    /// <summary>How attention is written.</summary>
    public AttentionImplementation Attention => _options.Attention;

    /// <summary>The providers that were asked for and are there, or the CPU.</summary>
    public IReadOnlyList<ExecutionProvider> Providers { get; }

    /// <summary>Whether batches run as CUDA graphs.</summary>
    public bool UsesCudaGraph { get; }

    /// <summary>
    /// What was passed over or is doubtful: providers that are missing, scores that are off. Empty where all is as asked for.
    /// </summary>
    public IReadOnlyList<string> Warnings { get; internal set; } = [];

    /// <summary>The largest logit error of the parity check over all batch sizes; null where nothing was compared.</summary>
    public float? ParityError { get; internal set; }

    /// <summary>Which operators run where; known on a GPU after the first run. On a CPU all of them run there, and it is empty.</summary>
    public IReadOnlyList<NodePlacement> Placement { get; private set; } = [];

    internal bool IsOnGpu => Providers[0] != ExecutionProvider.Cpu;

    /// <summary>Builds (or finds in the cache) the graph of a checkpoint, opens it, and compares its scores with the reference.</summary>
    /// <exception cref="InvalidCheckpointException">The weights are broken or the cache can't be written.</exception>
    /// <exception cref="ModelExecutionException">
    /// The model can't be run as asked: a provider is missing, a precision is not for it, the scores are not the reference's.
    /// </exception>
    public static AstSession Create(AstCheckpoint checkpoint, AstSessionOptions? options = null) =>
        SessionFactory.Create(checkpoint, options ?? new AstSessionOptions());

    /// <summary>Whether a batch is padded up to the next of <see cref="BatchSizes"/>; else what is at hand is cut into them.</summary>
    public bool PadsBatches => IsOnGpu;

    /// <summary>
    /// Row <paramref name="row"/> of the input: max_length rows of num_mel_bins values, raw log-mel unless the options say otherwise.
    /// </summary>
    public Span<float> Input(int row, int slot = 0)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return _input.Row((slot * MaxBatch) + row);
    }

    /// <summary>
    /// Scores the first <paramref name="rows"/> rows of a slot of the input, 1 to <see cref="MaxBatch"/>. Another slot may be filled and
    /// read meanwhile.
    /// </summary>
    /// <exception cref="InvalidCheckpointException">The model gives logits that are no finite numbers.</exception>
    /// <exception cref="ModelExecutionException">ONNX Runtime fails; for example, memory is short.</exception>
    public void Run(int rows, int slot = 0)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(slot, _options.Slots);
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rows, MaxBatch);
        try
        {
            RunUnguarded(rows, slot);
        }
        catch (OnnxRuntimeException e)
        {
            throw new ModelExecutionException(
                $"{_name}: a run of {rows} windows failed on {Providers[0].Word()}: {e.Message.ReplaceLineEndings(" ")}. Where memory is "
                    + $"short, take smaller batches");
        }

        if (!_logits.Buffer.All.Slice(slot * MaxBatch * Config.Labels.Count, rows * Config.Labels.Count)
            .ContainsAnyExceptInRange(float.MinValue, float.MaxValue))
            return;
        if (Precision is ModelPrecision.Float16 or ModelPrecision.BFloat16)
            throw new ModelExecutionException(
                $"{_name} gives logits that are no finite numbers in {Precision.Word()}; expected finite ones: take "
                    + $"{(Precision == ModelPrecision.Float16 ? "bfloat16 or " : "")}float32");
        throw new InvalidCheckpointException(
            $"{_name} gives logits that are no finite numbers; are its weights and the extractor's mean and std right?");
    }

    /// <summary>Runs, and lets ONNX Runtime's own exceptions out.</summary>
    internal void RunUnguarded(int rows, int slot = 0)
    {
        (_rows, _slot) = (rows, slot);
        OnThread(_runRows);
    }

    /// <summary>The logits of one row of the slot's last run.</summary>
    public ReadOnlySpan<float> Logits(int row, int slot = 0) => Row(_logits, (slot * MaxBatch) + row);

    /// <summary>One output of one row of the last run.</summary>
    /// <param name="output">One of those that the session was made with.</param>
    /// <param name="row">The row.</param>
    /// <param name="shape">The output's shape, without the batch.</param>
    /// <exception cref="InvalidOperationException">The session was not made with this output.</exception>
    public ReadOnlySpan<float> Read(AstOutputs output, int row, out int[] shape)
    {
        var found = _outputs.Find(o => o.Kind == output) ?? throw new InvalidOperationException($"the session was not made with {output}");
        shape = [.. found.Shape];
        return Row(found, row);
    }

    /// <summary>What it runs as, in a line.</summary>
    public override string ToString()
    {
        var nodes = string.Concat(Placement.GroupBy(p => p.Provider).Select(g => $", {g.Sum(p => p.Nodes)} nodes on {g.Key}"));
        var parity = ParityError is { } error ? string.Create(CultureInfo.InvariantCulture, $"logits within {error:0.0e0} of the reference")
            : "not compared with the reference";
        return $"{_name} on {Providers[0].Word()} in {Precision.Word()}, {Attention.Word()} attention, batches of "
            + $"{string.Join(", ", BatchSizes)}{(UsesCudaGraph ? " as CUDA graphs" : "")}{nodes}; {parity}";
    }

    /// <summary>Closes the model.</summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        try
        {
            OnThread(Close);
        }
        finally
        {
            _thread?.Dispose();
        }
    }

    private void Close()
    {
        foreach (var binding in _bindings.Values)
            binding.Dispose();
        _input?.Dispose();
        foreach (var output in _outputs)
            output.Buffer.Dispose();
        _device?.Dispose();
        _session?.Dispose();
        if (IsOnGpu)
            NodePlacement.RemoveProfiles(_profile); // what is left of a session that did not run, or did not even open
    }

    /// <summary>Opens the session and its buffers.</summary>
    private void Open(string graph)
    {
        using var session = new SessionOptions
        {
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
            IntraOpNumThreads = _options.ThreadCount,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR,
        };

        // The front end and the sinks share the cores: threads that wait for work must not burn them.
        session.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
        session.AddSessionConfigEntry("session.use_env_allocators", "1");
        if (IsOnGpu)
        {
            session.EnableProfiling = true;
            session.ProfileOutputPathPrefix = _profile;
        }

        var window = string.Create(CultureInfo.InvariantCulture, $"{Config.MaxLength}x{Config.NumMelBins}");
        foreach (var provider in Providers)
            ExecutionProviders.Append(
                session, provider, _options, UsesCudaGraph, Path.Combine(Path.GetDirectoryName(graph)!, "tensorrt"), window);
        _session = new InferenceSession(graph, session);
        _isProfiling = IsOnGpu;
        _device = IsOnGpu ? new DeviceMemory(_session, _options.DeviceId) : null;
        _input = new HostBuffer(_options.Slots * MaxBatch, Config.MaxLength * Config.NumMelBins, _device);
        foreach (var (kind, name, shape) in AstGraph.Outputs(Config, _options.Outputs))
            _outputs.Add(
                new Output(kind, name, shape, new HostBuffer(_options.Slots * MaxBatch, shape.Aggregate(1, (a, b) => a * b), _device)));
        _logits = _outputs[0];
    }

    private void RunRows()
    {
        for (var done = 0; done < _rows;)
        {
            var (count, size) = _plan.Next(_rows - done);
            var binding = GetBinding((_slot * MaxBatch) + done, size);
            if (_isProfiling)
                Place(binding);
            _session.RunWithBinding(binding.RunOptions, binding.IoBinding);

            done += count;
        }
    }

    private void OnThread(Action work)
    {
        if (_thread is null)
            work();
        else
            _thread.Do(work);
    }

    /// <summary>Runs once without a CUDA graph to see which node runs where; capturing comes with the next run.</summary>
    private void Place(RunBinding binding)
    {
        using var options = new RunOptions();
        options.AddRunConfigEntry(RunBinding.GraphId, "-1");
        _session.RunWithBinding(options, binding.IoBinding);
        _isProfiling = false;
        Placement = NodePlacement.Read(_session);
        NodePlacement.RemoveProfiles(_profile);
    }

    private Span<float> Row(Output output, int row)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(row, _options.Slots * MaxBatch);
        return output.Buffer.Row(row);
    }

    private RunBinding GetBinding(int row, int size)
    {
        if (_bindings.TryGetValue((row, size), out var binding))
            return binding;

        // A CUDA graph holds addresses: each slot has its own.
        binding = new RunBinding(
            _session.CreateIoBinding(), UsesCudaGraph ? (row / MaxBatch * (AstSessionOptions.MaxBatchSize + 1)) + size : null);
        binding.Input(AstGraph.InputValues, _input.Tensor(row, size, [Config.MaxLength, Config.NumMelBins]));
        foreach (var output in _outputs)
            binding.Output(output.Name, output.Buffer.Tensor(row, size, output.Shape));
        _bindings.Add((row, size), binding);
        return binding;
    }

    private sealed record Output(AstOutputs Kind, string Name, int[] Shape, HostBuffer Buffer);
}
