using System.Globalization;
using AstStream.Dsp;
using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace AstStream.Model.Runtime;

/// <summary>
/// ONNX Runtime's session with input and outputs bound at addresses that stay. On a GPU it is used on one thread alone, each batch size of
/// each slot is run once before the first window comes, with CUDA graphs to be captured, and what was not is not run any more.
/// </summary>
internal sealed class BoundSession : IDisposable
{
    private readonly AstConfig _config;
    private readonly bool _usesCudaGraph;
    private readonly bool _isOnGpu;
    private readonly int _rowsOfSlot;
    private readonly string _profile = Path.Combine(Path.GetTempPath(), $"aststream-{Path.GetRandomFileName()}");
    private readonly InferenceSession _session;
    private readonly DeviceMemory? _device;
    private readonly List<SessionOutput> _outputs = [];
    private readonly Dictionary<(int Row, int Size), RunBinding> _bindings = [];
    private bool _isProfiling;

    /// <summary>Opens a graph.</summary>
    /// <param name="graph">The graph's file.</param>
    /// <param name="config">The architecture that it has.</param>
    /// <param name="plan">How to run it.</param>
    /// <param name="extractor">How the input is normalised on its way, where the graph does not.</param>
    /// <param name="usesCudaGraph">Whether batches are captured.</param>
    public BoundSession(string graph, AstConfig config, SessionPlan plan, ExtractorConfig extractor, bool usesCudaGraph)
    {
        (_config, _usesCudaGraph) = (config, usesCudaGraph);
        var options = plan.Options;
        _isOnGpu = plan.Providers[0] != ExecutionProvider.Cpu;
        _rowsOfSlot = options.BatchSizes.Max();
        using var settings = new SessionOptions
        {
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
            IntraOpNumThreads = options.ThreadCount,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL, // its errors come as exceptions
        };

        // The front end and the sinks share the cores: threads that wait for work must not burn them.
        settings.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");
        settings.AddSessionConfigEntry("session.use_env_allocators", "1");
        if (_isOnGpu)
        {
            settings.ProfileOutputPathPrefix = _profile; // first: what enables it takes the path
            settings.EnableProfiling = true;
        }

        var window = string.Create(CultureInfo.InvariantCulture, $"{config.MaxLength}x{config.NumMelBins}");
        foreach (var provider in plan.Providers)
            ExecutionProviders.Append(
                settings, provider, options, usesCudaGraph, Path.Combine(Path.GetDirectoryName(graph)!, "tensorrt"), window);
        var rows = options.Slots * _rowsOfSlot;
        var length = config.MaxLength * config.NumMelBins;
        try
        {
            _session = new InferenceSession(graph, settings);
            _isProfiling = _isOnGpu;
            _device = _isOnGpu ? new DeviceMemory(_session, options.DeviceId) : null;
            Input = _device is null ? new HostBuffer(rows, length, device: null) : new DeviceRows(
                rows, length, plan.Graph.Precision.EmbeddingType(),
                new FeatureNormalization(extractor.Mean, extractor.Std, extractor.DoNormalize && !options.IsNormalized), _device);
            foreach (var (kind, name, shape) in AstGraph.Outputs(config, options.Outputs))
                _outputs.Add(new SessionOutput(kind, name, shape, new HostBuffer(rows, shape.Aggregate(1, (a, b) => a * b), _device)));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The rows of all slots.</summary>
    public IInputRows Input { get; private set; } = null!;

    /// <summary>The outputs; the logits come first.</summary>
    public IReadOnlyList<SessionOutput> Outputs => _outputs;

    /// <summary>Which operators run where; known on a GPU after the first run.</summary>
    public IReadOnlyList<NodePlacement> Placement { get; private set; } = [];

    /// <summary>Whether every size that is ever run was, so that nothing is captured any more.</summary>
    public bool IsWarm { get; set; }

    /// <summary>The first row of a slot.</summary>
    public int FirstRow(int slot) => slot * _rowsOfSlot;

    /// <summary>Runs a batch of one size from a row on.</summary>
    public void Run(int row, int size)
    {
        if (!_isOnGpu)
        {
            Run(BindingOf(row, size) ?? Bind(row, size));
            return;
        }

        var binding = BindingOf(row, size);
        if (binding is null && IsWarm)
            throw new InvalidOperationException(
                $"a batch of {size} windows at row {row} was not run at the start: it can't be captured now");
        using (DeviceGate.Use())
        {
            Input.Wait();
            binding ??= Bind(row, size);
            if (_isProfiling)
                Place(binding);
        }

        using (_usesCudaGraph && !IsWarm ? DeviceGate.Capture() : DeviceGate.Use())
            Run(binding);
    }

    public void Dispose()
    {
        using var use = DeviceGate.UseIf(_isOnGpu);
        foreach (var binding in _bindings.Values)
            binding.Dispose();
        Input?.Dispose();
        foreach (var output in _outputs)
            output.Buffer.Dispose();
        _device?.Dispose();
        _session?.Dispose();
        if (_isOnGpu)
            NodePlacement.RemoveProfiles(_profile); // what is left of a session that did not run, or did not even open
    }

    private void Run(RunBinding binding) => _session.RunWithBinding(binding.RunOptions, binding.IoBinding);

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

    private RunBinding? BindingOf(int row, int size) => _bindings.GetValueOrDefault((row, size));

    private RunBinding Bind(int row, int size)
    {
        // A CUDA graph holds addresses: each slot has its own.
        var binding = new RunBinding(
            _session.CreateIoBinding(), _usesCudaGraph ? (row / _rowsOfSlot * (AstSessionOptions.MaxBatchSize + 1)) + size : null);
        _bindings.Add((row, size), binding); // at once: what fails below is closed with the others
        binding.Input(AstGraph.InputValues, Input.Tensor(row, size, [_config.MaxLength, _config.NumMelBins]));
        foreach (var output in _outputs)
            binding.Output(output.Name, output.Buffer.Tensor(row, size, output.Shape));
        return binding;
    }
}
