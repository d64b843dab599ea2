using System.Globalization;
using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace AstStream.Model.Runtime;

/// <summary>
/// A model that runs: fill rows of the input, run, read rows of the outputs. Inputs and outputs stay at the same addresses, bound once for
/// each batch size, so a run allocates nothing. For one thread at a time.
/// </summary>
public sealed class AstSession : IDisposable
{
    private readonly string _name;
    private readonly AstSessionOptions _options;
    private readonly SessionThread? _thread; // only on a GPU
    private readonly Action _runRows;
    private readonly BatchTimes _times = new();
    private readonly BoundSession _session;
    private readonly SessionOutput _logits;
    private readonly SessionOutput? _columns; // where they were asked for
    private readonly SessionOutput? _pooled;
    private BatchPlan _plan;
    private int[]? _rowsToRun; // by rows at hand; null where every row costs its own
    private int _rows;
    private int _slot;
    private ModelExecutionException? _failure; // after which nothing is run any more
    private bool _isDisposed;

    internal AstSession(AstCheckpoint checkpoint, AstConfig config, SessionPlan plan, string graph)
    {
        _name = checkpoint.Name;
        Config = config;
        _options = plan.Options;
        Providers = plan.Providers;

        // An eight-bit batch is scored window by window: the scale of a window's activations must not depend on its neighbours.
        _plan = new BatchPlan(Precision == ModelPrecision.Int8 ? [1] : _options.BatchSizes, pads: IsOnGpu);
        MaxBatch = _options.BatchSizes.Max();
        UsesCudaGraph = _options.CudaGraph && Providers[0] == ExecutionProvider.Cuda;
        _runRows = RunRows;
        _thread = IsOnGpu ? new SessionThread() : null;
        try
        {
            BoundSession? session = null;
            OnThread(() => session = new BoundSession(graph, config, plan, checkpoint.Extractor, UsesCudaGraph));
            _session = session!;
            _logits = _session.Outputs[0];
            _columns = _session.Outputs.FirstOrDefault(o => o.Kind == AstOutputs.Columns);
            _pooled = _session.Outputs.FirstOrDefault(o => o.Kind == AstOutputs.PoolerOutput);
        }
        catch
        {
            _thread?.Dispose();
            throw;
        }
    }

    /// <summary>The architecture that runs.</summary>
    public AstConfig Config { get; }

    /// <summary>The most windows in one run.</summary>
    public int MaxBatch { get; private set; }

    /// <summary>The batch sizes that are run.</summary>
    public IReadOnlyList<int> BatchSizes => _plan.Sizes;

    /// <summary>The precision that runs: the one that was asked for or found, but for a fallback.</summary>
    public ModelPrecision Precision => _options.Precision!.Value;

    /// <summary>Whether float32 products on a GPU have their factors rounded to TF32.</summary>
    public bool UsesTf32 => ExecutionProviders.UsesTf32(_options, Providers[0]);

    /// <summary>How attention is written.</summary>
    public AttentionImplementation Attention => _options.Attention;

    /// <summary>The providers that were asked for and are there, or the CPU.</summary>
    public IReadOnlyList<ExecutionProvider> Providers { get; }

    /// <summary>Whether batches run as CUDA graphs.</summary>
    public bool UsesCudaGraph { get; }

    /// <summary>
    /// Whether a provider that was asked for, and whose libraries are there, could not be opened: it may be had later.
    /// </summary>
    public bool IsFallback { get; internal set; }

    /// <summary>
    /// Whether a run has failed in a way that leaves the session of no use: what was captured of a CUDA graph may be a part only, that
    /// later seems to succeed without computing; or rows did not get there. It is to be closed.
    /// </summary>
    public bool IsBroken => _failure is not null;

    /// <summary>
    /// What was passed over or is doubtful: providers that are missing, scores that are off. Empty where all is as asked for.
    /// </summary>
    public IReadOnlyList<string> Warnings { get; internal set; } = [];

    /// <summary>The largest logit error of the parity check over all batch sizes; null where nothing was compared.</summary>
    public float? ParityError { get; internal set; }

    /// <summary>The most windows a second of the runs at the start, over all batch sizes; 0 where nothing was run.</summary>
    public double WindowsPerSecond => _times.WindowsPerSecond;

    /// <summary>Which operators run where; known on a GPU after the first run. On a CPU all of them run there, and it is empty.</summary>
    public IReadOnlyList<NodePlacement> Placement => _session.Placement;

    internal bool IsOnGpu => Providers[0] != ExecutionProvider.Cpu;

    internal int Slots => _options.Slots;

    /// <summary>Builds (or finds in the cache) the graph of a checkpoint, opens it, and compares its scores with the reference.</summary>
    /// <exception cref="InvalidCheckpointException">The weights are broken or the cache can't be written.</exception>
    /// <exception cref="ModelExecutionException">
    /// The model can't be run as asked: a provider is missing, a precision is not for it, the scores are not the reference's.
    /// </exception>
    public static AstSession Create(AstCheckpoint checkpoint, AstSessionOptions? options = null) =>
        SessionFactory.Create(checkpoint, options ?? new AstSessionOptions());

    /// <summary>
    /// How many of the rows at hand to run at once, where the rest may wait for the next batch: on a GPU, whose batches are padded to the
    /// next of <see cref="BatchSizes"/>, fewer than all where two runs are cheaper than the padding.
    /// </summary>
    /// <param name="rows">0 or more; of more than <see cref="MaxBatch"/> so many.</param>
    public int RowsToRun(int rows)
    {
        rows = Math.Min(rows, MaxBatch);
        return _rowsToRun is null ? rows : _rowsToRun[rows];
    }

    /// <summary>
    /// A row of the input to fill as a whole: max_length rows of num_mel_bins values, raw log-mel unless the options say otherwise. What
    /// is in it before is undefined.
    /// </summary>
    public Span<float> Input(int row, int slot = 0)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return _session.Input.Fill(RowOf(row, slot));
    }

    /// <summary>
    /// A row is filled: on a GPU its way there begins, beside what runs. Rows that this is not called for begin it with their run, which
    /// also fails where this does.
    /// </summary>
    public void InputReady(int row, int slot = 0)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        try
        {
            _session.Input.Send(RowOf(row, slot));
        }
        catch (CudaException e)
        {
            _failure = Failure("a copy to it", e);
        }
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
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(slot, Slots);
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(rows, MaxBatch);
        if (_failure is { } earlier)
            throw new ModelExecutionException($"{earlier.Message}. Expected the session to be closed and opened again");
        try
        {
            RunUnguarded(rows, slot);
        }
        catch (Exception e) when (e is OnnxRuntimeException or CudaException)
        {
            var failure = Failure($"a run of {rows} windows", e);
            if (UsesCudaGraph)
                _failure = failure;
            throw failure;
        }

        if (!_logits.Buffer.All.Slice(_session.FirstRow(slot) * Config.Labels.Count, rows * Config.Labels.Count)
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

    /// <summary>Adds the time of a run at the start, in seconds.</summary>
    internal void AddTime(int size, double seconds) => _times.Add(size, seconds);

    /// <summary>All sizes were run: nothing is captured any more, and on a GPU it follows from their times how rows are run.</summary>
    /// <param name="choosesSizes">Whether those sizes alone are used from here on that the device likes.</param>
    internal void EndStart(bool choosesSizes)
    {
        _session.IsWarm = true;
        if (!IsOnGpu)
            return;
        if (choosesSizes)
            _plan = new BatchPlan(_times.Liked(), pads: true);
        MaxBatch = _plan.Largest;
        _rowsToRun = _times.RowsToRun(_plan.Sizes);
    }

    /// <summary>The logits of one row of the slot's last run.</summary>
    public ReadOnlySpan<float> Logits(int row, int slot = 0) => Read(_logits, RowOf(row, slot));

    /// <summary>One output of one row of the last run.</summary>
    /// <param name="output">One of those that the session was made with.</param>
    /// <param name="row">The row.</param>
    /// <param name="shape">The output's shape, without the batch.</param>
    /// <exception cref="InvalidOperationException">The session was not made with this output.</exception>
    public ReadOnlySpan<float> Read(AstOutputs output, int row, out int[] shape)
    {
        var found = _session.Outputs.FirstOrDefault(o => o.Kind == output)
            ?? throw new InvalidOperationException($"the session was not made with {output}");
        shape = [.. found.Shape];
        return Read(found, row);
    }

    /// <summary>The localiser's logits of one row of the slot's last run, by column and group.</summary>
    /// <exception cref="InvalidOperationException">The session was not made with <see cref="AstOutputs.Columns"/>.</exception>
    public ReadOnlySpan<float> Columns(int row, int slot = 0) =>
        Read(_columns ?? throw new InvalidOperationException("the session was not made with columns"), RowOf(row, slot));

    /// <summary>The embedding of one row of the slot's last run: hidden_size values, from which the logits are made.</summary>
    /// <exception cref="InvalidOperationException">The session was not made with <see cref="AstOutputs.PoolerOutput"/>.</exception>
    public ReadOnlySpan<float> Embedding(int row, int slot = 0) =>
        Read(_pooled ?? throw new InvalidOperationException("the session was not made with pooler_output"), RowOf(row, slot));

    /// <summary>What it runs as, in a line.</summary>
    public override string ToString()
    {
        var nodes = string.Concat(Placement.GroupBy(p => p.Provider).Select(g => $", {g.Sum(p => p.Nodes)} nodes on {g.Key}"));
        var parity = ParityError is { } error ? string.Create(CultureInfo.InvariantCulture, $"logits within {error:0.0e0} of the reference")
            : "not compared with the reference";
        var rate = WindowsPerSecond > 0
            ? string.Create(CultureInfo.InvariantCulture, $"; {WindowsPerSecond:0.0} windows/s at the start") : "";
        return $"{_name} on {Providers[0].Word()} in {Precision.Word()}{(UsesTf32 ? " (TF32)" : "")}, {Attention.Word()} attention, "
            + $"batches of {string.Join(", ", BatchSizes)}{(UsesCudaGraph ? " as CUDA graphs" : "")}{nodes}; {parity}{rate}";
    }

    /// <summary>Closes the model.</summary>
    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        try
        {
            OnThread(_session.Dispose);
        }
        finally
        {
            _thread?.Dispose();
        }
    }

    private void RunRows()
    {
        for (var row = 0; row < _rows; row++)
            _session.Input.Send(_session.FirstRow(_slot) + row);
        for (var done = 0; done < _rows;)
        {
            var (count, size) = _plan.Next(_rows - done);
            _session.Run(_session.FirstRow(_slot) + done, size);
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

    private ModelExecutionException Failure(string what, Exception e) => new(
        $"{_name}: {what} failed on {Providers[0].Word()}: {CudaErrors.Said(e.Message)}. Where memory is short, "
            + "take smaller batches");

    private int RowOf(int row, int slot) => _session.FirstRow(slot) + row;

    private ReadOnlySpan<float> Read(SessionOutput output, int row)
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        return output.Buffer.Row(row);
    }
}
