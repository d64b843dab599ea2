using AstStream.Model.Checkpoints;
using AstStream.Model.Runtime;
using Microsoft.ML.OnnxRuntime;

namespace AstStream.Model.Training;

/// <summary>
/// A model that is trained: its weights, their gradients and AdamW's moments in buffers that stay where they are, and the ONNX graphs that
/// work on them, run by ONNX Runtime's ordinary build. For one caller at a time.
/// </summary>
public sealed class TrainingSession : IDisposable
{
    // Flash, memory-efficient and written out. cuDNN's, which a CUDA graph of inference holds, seems to be planned anew at each run.
    private const string AttentionKernels = "19";

    private readonly TrainingSessionOptions _options;
    private readonly List<InferenceSession> _sessions = [];
    private readonly List<OrtIoBinding> _bindings = [];
    private readonly List<OrtValue> _flags = [];
    private readonly Dictionary<string, TrainingBuffer> _buffers = new(StringComparer.Ordinal);
    private readonly (string Name, int[] Shape)[] _all;
    private readonly (string Name, int[] Shape)[] _trained;
    private readonly ParameterGroups _groups;
    private readonly RunOptions _run = new();
    private readonly DeviceMemory? _device;
    private readonly (InferenceSession Session, OrtIoBinding First, OrtIoBinding Next) _gradients;
    private readonly (InferenceSession Session, OrtIoBinding Binding) _squares;
    private readonly (InferenceSession Session, OrtIoBinding Binding) _update;
    private readonly (InferenceSession Session, OrtIoBinding Binding) _forward;

    /// <summary>Opens the graphs.</summary>
    /// <param name="config">The architecture, with the labels that are trained.</param>
    /// <param name="weights">The weights to begin with, by their names in a checkpoint.</param>
    /// <param name="options">How.</param>
    /// <exception cref="ModelExecutionException">It can't be run so.</exception>
    public TrainingSession(AstConfig config, Func<string, float[]> weights, TrainingSessionOptions options)
    {
        RuntimeEnvironment.Ensure();
        (Config, _options) = (config, options);
        (_all, _trained) = ([.. TrainingGraph.All(config, options)], [.. TrainingGraph.Trained(config, options)]);
        _groups = new ParameterGroups(_trained, config, options);
        try
        {
            var update = Open(UpdateGraph.Step(_trained, _groups.Of, options.Averages));
            _device = options.Provider == ExecutionProvider.Cpu ? null : new DeviceMemory(update, options.DeviceId);
            Allocate(weights);
            var gradients = Open(TrainingGraph.Gradients(config, options));
            _gradients = (gradients, BindGradients(gradients, isFirst: true), BindGradients(gradients, isFirst: false));
            var squares = Open(UpdateGraph.Squares(_trained));
            _squares = (squares, Bind(squares, [.. _trained.Select(t => TrainingGraph.GradientOf(t.Name))], [TrainingGraph.Squares]));
            _update = (update, BindUpdate(update));
            var forward = Open(TrainingGraph.Forward(config, options));
            _forward = (forward, BindForward(forward));
        }
        catch (Exception e) when (e is OnnxRuntimeException or CudaException or OutOfMemoryException)
        {
            Dispose();
            throw new ModelExecutionException(
                $"the graphs that train {config.HiddenSize} × {config.NumHiddenLayers} in batches of {options.Batch} can't be opened on "
                    + $"{options.Provider.Word()}: {CudaErrors.Said(e.Message)}");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The architecture.</summary>
    public AstConfig Config { get; }

    /// <summary>Windows of a run.</summary>
    public int Batch => _options.Batch;

    /// <summary>Weights that are trained.</summary>
    public long TrainedCount => _trained.Sum(t => t.Shape.Aggregate(1L, (a, b) => a * b));

    /// <summary>The parameters that are trained, by name.</summary>
    public IReadOnlyList<string> Trained => [.. _trained.Select(t => t.Name)];

    /// <summary>
    /// What a training goes on from: of each trained parameter the weights, both moments and, where it is kept, the average.
    /// </summary>
    public IEnumerable<string> State => _trained.SelectMany(t => (string[])
    [
        t.Name, UpdateGraph.FirstMoment(t.Name), UpdateGraph.SecondMoment(t.Name),
        .. _options.Averages ? [UpdateGraph.AverageOf(t.Name)] : (string[])[],
    ]);

    /// <summary>The numbers of a part of <see cref="State"/>.</summary>
    public float[] Read(string name) => Run(_buffers[name].Read);

    /// <summary>How many numbers a part of <see cref="State"/> has.</summary>
    public int LengthOf(string name) => _buffers[name].Length;

    /// <summary>Sets the numbers of a part of <see cref="State"/>.</summary>
    public void Write(string name, ReadOnlySpan<float> values) => _buffers[name].Write(values);

    /// <summary>A parameter as it is evaluated: the moving average, where that is kept.</summary>
    public float[] Evaluated(string name) => Read(EvaluatedName(name));

    /// <summary>Sets a parameter as it is evaluated.</summary>
    public void WriteEvaluated(string name, ReadOnlySpan<float> values) => _buffers[EvaluatedName(name)].Write(values);

    /// <summary>Room for a batch.</summary>
    public TrainingBatch NewBatch() => new(
        Batch, Config.MaxLength * Config.NumMelBins, Config.Labels.Count, _options.Loss,
        _options.TrainsColumns ? Config.TimePatches * Config.Localiser!.Groups.Count : 0);

    /// <summary>A parameter's gradient of the last batches.</summary>
    public float[] Gradient(string name) => Read(TrainingGraph.GradientOf(name));

    /// <summary>Computes the gradients of a batch.</summary>
    /// <param name="batch">The batch; all of its rows are used.</param>
    /// <param name="isFirst">Whether they are of this batch alone; else they are added to those of the batches before.</param>
    /// <exception cref="ModelExecutionException">It can't be run.</exception>
    public GradientReport Accumulate(TrainingBatch batch, bool isFirst)
    {
        var (loss, squares) = Run(() =>
        {
            Send(batch);
            _gradients.Session.RunWithBinding(_run, isFirst ? _gradients.First : _gradients.Next);
            _squares.Session.RunWithBinding(_run, _squares.Binding);
            return (_buffers[TrainingGraph.Loss].Read()[0], _buffers[TrainingGraph.Squares].Read());
        });
        var odd = Array.FindIndex(squares, s => !float.IsFinite(s));
        return new GradientReport(
            loss, Math.Sqrt(squares.Sum(s => (double)s)),
            !float.IsFinite(loss) ? "the loss" : odd >= 0 ? $"the gradient of {_trained[odd].Name}" : null);
    }

    /// <summary>Takes a step along the gradients.</summary>
    /// <param name="rate">The body's rate.</param>
    /// <param name="step">Which step it is, from 1 on.</param>
    /// <param name="scale">What the gradients are multiplied by, to clip them.</param>
    /// <param name="average">The part of the new weights in their moving average, where that is kept.</param>
    /// <exception cref="ModelExecutionException">It can't be run.</exception>
    public void Update(double rate, long step, double scale, double average)
    {
        var (rates, kept, epsilon) = _groups.At(rate, step);
        Run(() =>
        {
            _buffers[UpdateGraph.Rates].Write(rates);
            _buffers[UpdateGraph.Kept].Write(kept);
            _buffers[UpdateGraph.Scale].Write([(float)scale]);
            _buffers[UpdateGraph.Epsilon].Write([epsilon]);
            if (_options.Averages)
                _buffers[UpdateGraph.Average].Write([(float)average]);
            _update.Session.RunWithBinding(_run, _update.Binding);
            return true;
        });
    }

    /// <summary>
    /// The logits of a batch, [batch, labels], and where it is trained the localiser's, [batch, columns, groups], by the weights as they
    /// are evaluated.
    /// </summary>
    /// <param name="inputs">input_values, [batch, max_length, num_mel_bins].</param>
    /// <exception cref="ModelExecutionException">It can't be run.</exception>
    public (float[] Logits, float[] Columns) Evaluate(float[] inputs) => Run(() =>
    {
        _buffers[TrainingGraph.Input].Write(inputs);
        _forward.Session.RunWithBinding(_run, _forward.Binding);
        return (_buffers[TrainingGraph.Logits].Read(), _options.TrainsColumns ? _buffers[TrainingGraph.Columns].Read() : []);
    });

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var binding in _bindings)
            binding.Dispose();
        foreach (var flag in _flags)
            flag.Dispose();
        foreach (var buffer in _buffers.Values)
            buffer.Dispose();
        _device?.Dispose();
        foreach (var session in _sessions)
            session.Dispose();
        _run.Dispose();
    }

    private string EvaluatedName(string parameter) =>
        _buffers.ContainsKey(UpdateGraph.AverageOf(parameter)) ? UpdateGraph.AverageOf(parameter) : parameter;

    private T Run<T>(Func<T> run)
    {
        try
        {
            using var use = DeviceGate.UseIf(_device is not null);
            return run();
        }
        catch (Exception e) when (e is OnnxRuntimeException or CudaException)
        {
            throw new ModelExecutionException(
                $"a step of training failed on {_options.Provider.Word()}: {CudaErrors.Said(e.Message)}; smaller batches "
                    + "(--micro-batch) or --checkpointing take less memory");
        }
    }

    private void Send(TrainingBatch batch)
    {
        _buffers[TrainingGraph.Input].Write(batch.Inputs);
        if (!_options.TrainsColumnsAlone)
        {
            _buffers[TrainingGraph.Targets].Write(batch.Targets);
            _buffers[TrainingGraph.Weights].Write(batch.Weights);
        }

        if (!_options.TrainsColumns)
            return;
        _buffers[TrainingGraph.ColumnTargets].Write(batch.ColumnTargets);
        _buffers[TrainingGraph.ColumnWeights].Write(batch.ColumnWeights);
    }

    private InferenceSession Open(byte[] model)
    {
        var execution = new AstSessionOptions
        {
            DeviceId = _options.DeviceId,
            Tf32 = _options.Tf32,
            Precision = _options.Precision,
            Threads = _options.Threads,
        };
        using var settings = new SessionOptions
        {
            GraphOptimizationLevel = GraphOptimizationLevel.ORT_ENABLE_ALL,
            IntraOpNumThreads = execution.ThreadCount,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL, // its errors come as exceptions
            EnableMemoryPattern = false, // a plan of all tensors takes twice the memory and no less time
        };
        settings.AddSessionConfigEntry("session.intra_op.allow_spinning", "0");

        // Without their own nodes, outputs of gradients would be kept back until the end.
        settings.AddSessionConfigEntry("optimization.disable_specified_optimizers", "EliminateIdentity");
        ExecutionProviders.Append(settings, _options.Provider, execution, cudaGraph: false, attentionKernels: AttentionKernels);
        var session = new InferenceSession(model, settings);
        _sessions.Add(session);
        return session;
    }

    private void Allocate(Func<string, float[]> weights)
    {
        foreach (var (name, shape) in _all)
            Allocate(name, shape).Write(weights(name));
        foreach (var (name, shape) in _trained)
        {
            Allocate(TrainingGraph.GradientOf(name), shape);
            Allocate(UpdateGraph.FirstMoment(name), shape);
            Allocate(UpdateGraph.SecondMoment(name), shape);
            if (_options.Averages)
                Allocate(UpdateGraph.AverageOf(name), shape).Write(weights(name));
        }

        var (batch, labels) = (_options.Batch, Config.Labels.Count);
        Allocate(TrainingGraph.Input, batch, Config.MaxLength, Config.NumMelBins);
        Allocate(TrainingGraph.Targets, batch, labels);
        Allocate(TrainingGraph.Weights, batch, _options.Loss == TrainingLoss.CrossEntropy ? 1 : labels);
        if (_options.TrainsColumns)
        {
            foreach (var name in (string[])[TrainingGraph.ColumnTargets, TrainingGraph.ColumnWeights, TrainingGraph.Columns])
                Allocate(name, batch * Config.TimePatches, Config.Localiser!.Groups.Count);
        }

        Allocate(TrainingGraph.Loss);
        Allocate(TrainingGraph.Logits, batch, labels);
        Allocate(TrainingGraph.Squares, _trained.Length);
        var groups = _groups.Of.Max() + 1;
        Allocate(UpdateGraph.Rates, groups);
        Allocate(UpdateGraph.Kept, groups);
        foreach (var scalar in (string[])[UpdateGraph.Scale, UpdateGraph.Epsilon, UpdateGraph.Average])
            Allocate(scalar, 1);
    }

    private TrainingBuffer Allocate(string name, params IReadOnlyList<int> shape)
    {
        var buffer = new TrainingBuffer(shape, _device);
        _buffers.Add(name, buffer);
        return buffer;
    }

    private OrtIoBinding BindGradients(InferenceSession session, bool isFirst)
    {
        string[] batch =
        [
            TrainingGraph.Input,
            .. _options.TrainsColumnsAlone ? (string[])[] : [TrainingGraph.Targets, TrainingGraph.Weights],
            .. _options.TrainsColumns ? [TrainingGraph.ColumnTargets, TrainingGraph.ColumnWeights] : (string[])[],
        ];
        string[] gradients = [.. _trained.Select(t => TrainingGraph.GradientOf(t.Name))];
        var binding = Bind(session, [.. _all.Select(t => t.Name), .. batch], [TrainingGraph.Loss, TrainingGraph.Logits, .. gradients]);
        foreach (var (name, _) in _trained)
            binding.BindInput(TrainingGraph.SumOf(name), _buffers[TrainingGraph.GradientOf(name)].Tensor);
        var flag = OrtValue.CreateTensorValueFromMemory(new[] { isFirst }, []);
        _flags.Add(flag);
        binding.BindInput(TrainingGraph.IsFirst, flag);
        return binding;
    }

    private OrtIoBinding BindUpdate(InferenceSession session)
    {
        string[] inputs =
        [
            .. _trained.Select(t => TrainingGraph.GradientOf(t.Name)), .. State, UpdateGraph.Rates, UpdateGraph.Kept, UpdateGraph.Scale,
            UpdateGraph.Epsilon, .. _options.Averages ? [UpdateGraph.Average] : (string[])[],
        ];
        var binding = Bind(session, inputs, []);
        foreach (var name in State)
            binding.BindOutput(UpdateGraph.New(name), _buffers[name].Tensor);
        return binding;
    }

    private OrtIoBinding BindForward(InferenceSession session)
    {
        var binding = Bind(
            session, [TrainingGraph.Input], [TrainingGraph.Logits, .. _options.TrainsColumns ? [TrainingGraph.Columns] : (string[])[]]);
        foreach (var (name, _) in _all.Where(t => session.InputMetadata.ContainsKey(t.Name)))
            binding.BindInput(name, _buffers[EvaluatedName(name)].Tensor);
        return binding;
    }

    private OrtIoBinding Bind(InferenceSession session, IReadOnlyList<string> inputs, IReadOnlyList<string> outputs)
    {
        var binding = session.CreateIoBinding();
        _bindings.Add(binding);
        foreach (var name in inputs)
            binding.BindInput(name, _buffers[name].Tensor);
        foreach (var name in outputs)
            binding.BindOutput(name, _buffers[name].Tensor);
        return binding;
    }
}
