using System.Diagnostics;
using AstStream.Model.Checkpoints;
using AstStream.Model.Training;

namespace AstStream.Learning.Training;

/// <summary>
/// Trains a transformer further. Each epoch is measured on recordings that it does not learn from, and the best one's weights are what is
/// given; what it began with is one of them. Its state is written as it goes, so that it can go on after any end, bit for bit on the same
/// device with the same threads. For one caller, once.
/// </summary>
public sealed class FineTuning : IDisposable
{
    /// <summary>Where the clips' samples are, in the folder of the state.</summary>
    public const string SoundFile = "sound.f32";

    private const int MostHalvings = 2;
    private const double LeastGain = 0.999; // of the loss, where mAP is the same: less is no improvement
    private const string StateFile = "state.bin";
    private const string BestFiles = "best-*.bin";

    private readonly FineTuneOptions _options;
    private readonly FineTuneData _data;
    private readonly string _folder;
    private readonly Action<string> _warn;
    private readonly TrainingSession _session;
    private readonly WindowMaker _maker;
    private readonly StepBatches _batches;
    private readonly EpochMeasure _measure;
    private readonly List<EpochResult> _epochs = [];
    private readonly Stopwatch _sinceSave = Stopwatch.StartNew();
    private Dictionary<string, float[]> _best = [];
    private TrainingState _state;
    private bool _canSave = true;

    /// <summary>Opens the graphs.</summary>
    /// <param name="options">How.</param>
    /// <param name="data">What on.</param>
    /// <param name="folder">Where the state is; it exists.</param>
    /// <param name="warn">Hears what went wrong, and what was done about it.</param>
    /// <exception cref="ModelExecutionException">It can't be run so.</exception>
    public FineTuning(FineTuneOptions options, FineTuneData data, string folder, Action<string> warn)
    {
        (_options, _data, _folder, _warn) = (options, data, folder, warn);
        _session = new TrainingSession(data.Config, data.Weights, options.Session with { Averages = options.Average > 0 });
        _maker = new WindowMaker(data.Bank, data.Config, data.Extractor, options.Augment);
        _batches = new StepBatches(options, data, _maker, _session);
        _measure = new EpochMeasure(options, data, _maker, _session);
        _state = new TrainingState { Of = data.Of };
    }

    /// <summary>Weights that are trained.</summary>
    public long TrainedCount => _session.TrainedCount;

    private string StatePath => Path.Combine(_folder, StateFile);

    private long Steps => (long)_batches.StepsPerEpoch * _options.Epochs;

    /// <summary>Whether a folder has the state of a training.</summary>
    public static bool HasState(string folder) => Path.Exists(Path.Combine(folder, StateFile));

    /// <summary>Removes a state, and its folder where nothing else is in it.</summary>
    public static void RemoveState(string folder)
    {
        foreach (var pattern in (string[])[StateFile, StateFile + ".part", BestFiles, BestFiles + ".part", SoundFile])
        {
            foreach (var file in Directory.EnumerateFiles(folder, pattern))
                File.Delete(file);
        }

        if (!Directory.EnumerateFileSystemEntries(folder).Any())
            Directory.Delete(folder);
    }

    /// <summary>Trains, from the state that is there on.</summary>
    /// <param name="epoch">Hears of each epoch; of those that are known already, too.</param>
    /// <param name="progress">Told the share of the epoch that is done, 0 to 1.</param>
    /// <param name="stop">Ends it; the best epoch so far counts.</param>
    /// <exception cref="InvalidTrainingException">The state is damaged, or of another training.</exception>
    /// <exception cref="ModelExecutionException">A step can't be run.</exception>
    public async Task<FineTuned> TrainAsync(Action<EpochResult> epoch, Action<double> progress, CancellationToken stop)
    {
        try
        {
            return await BeginAsync(epoch, progress, stop).ConfigureAwait(false);
        }
        catch (AggregateException e) when (e.InnerException is IOException inner)
        {
            throw new IOException(inner.Message, e); // of a window that several threads made
        }
    }

    private async Task<FineTuned> BeginAsync(Action<EpochResult> epoch, Action<double> progress, CancellationToken stop)
    {
        _measure.Begin();
        if (HasState(_folder))
            Resume();
        else
            EndEpoch(0, double.NaN, 0, 0);
        _epochs.ForEach(epoch);
        var end = await LearnAsync(epoch, progress, stop).ConfigureAwait(false);
        foreach (var (name, values) in _best)
            _session.WriteEvaluated(name, values);
        var chosen = _measure.Of(_data.Chosen);
        var heldOut = _data.HeldOut.Count == 0 ? null : _measure.Of(_data.HeldOut);
        return new FineTuned(
            _best, [.. _data.Learnt.Select((_, c) => Threshold(c, chosen.Scores))], _epochs, _state.Best, end, chosen.Report,
            heldOut?.Report)
        {
            Places = heldOut?.Places ?? double.NaN,
        };
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _session.Dispose();
        _maker.Dispose();
    }

    private double Threshold(int label, float[][] scores)
    {
        const double hours = 1; // a clip's length does not matter: the rules that are taken here do not ask for it
        bool[] isThere = [.. _data.Chosen.Select(t => t.Targets.Contains(label))];
        return isThere.Contains(true)
            ? _options.Thresholds.Choose([.. scores.Select(s => (double)s[label])], isThere, hours).Threshold : _data.Thresholds[label];
    }

    private async Task<FineTuneEnd> LearnAsync(Action<EpochResult> epoch, Action<double> progress, CancellationToken stop)
    {
        var watch = Stopwatch.StartNew();
        TrainingBatch[] now = _batches.New(), next = _batches.New();
        var filling = FillAsync(now, _state.Step);
        try
        {
            while (_state.Step < Steps && !IsNoBetter())
            {
                if (stop.IsCancellationRequested)
                {
                    Save();
                    return FineTuneEnd.Asked;
                }

                var count = await filling.ConfigureAwait(false);
                var step = _state.Step;
                if (step + 1 < Steps)
                    filling = FillAsync(next, step + 1);
                if (!Step(now.AsSpan(0, count)))
                    return FineTuneEnd.NotFinite;
                (now, next) = (next, now);
                var done = (int)(_state.Step % _batches.StepsPerEpoch);
                progress(done == 0 ? 1 : (double)done / _batches.StepsPerEpoch);
                if (done == 0)
                {
                    EndEpoch(
                        (int)(_state.Step / _batches.StepsPerEpoch), _state.LossSum / Math.Max(1, _state.Taken),
                        RateAt(step), watch.Elapsed.TotalSeconds);
                    watch.Restart();
                    epoch(_epochs[^1]);
                }
                else if (_sinceSave.Elapsed > _options.SaveEvery)
                {
                    Save();
                }
            }

            return IsNoBetter() ? FineTuneEnd.NoBetter : FineTuneEnd.Done;
        }
        finally
        {
            await ((Task)filling).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing); // it reads the bank
        }
    }

    private Task<int> FillAsync(TrainingBatch[] batches, long step) =>
        Task.Run(() => _batches.Fill(batches, step), CancellationToken.None);

    private double RateAt(long step) => _options.RateAt(step, Steps) * Math.Pow(0.5, _state.Halvings);

    /// <summary>Takes a step; false where numbers are not finite and the rate was halved often enough.</summary>
    private bool Step(ReadOnlySpan<TrainingBatch> batches)
    {
        var (loss, norm, odd) = (0.0, 0.0, (string?)null);
        for (var i = 0; i < batches.Length && odd is null; i++)
        {
            var report = _session.Accumulate(batches[i], isFirst: i == 0);
            (loss, norm, odd) = (loss + report.Loss, report.Norm, report.NotFinite);
        }

        if (odd is null)
        {
            var updates = _state.Updates + 1;
            var kept = Math.Min(_options.Average, (updates + 1.0) / (updates + 10.0));
            _session.Update(RateAt(_state.Step), updates, Math.Min(1, _options.MaxNorm / (norm + 1e-6)), 1 - kept);
            _state = _state with { Step = _state.Step + 1, Updates = updates, LossSum = _state.LossSum + loss, Taken = _state.Taken + 1 };
            return true;
        }

        var clips = string.Join(", ", _batches.Clips(_state.Step).Take(3).Select(c => _data.Train[c].Clip.Clip.Name));
        var where = $"step {_state.Step + 1}: {odd} is no finite number ({clips}, …)";
        if (_state.Halvings == MostHalvings)
        {
            _warn($"{where}, though the rate was halved twice; the training ends with its best epoch. A lower --rate may help");
            return false;
        }

        _warn($"{where}; the step is not taken, and the rate is halved");
        _state = _state with { Step = _state.Step + 1, Halvings = _state.Halvings + 1 };
        return true;
    }

    private bool IsNoBetter() => _options.Patience > 0 && _epochs.Count > 0 && _epochs[^1].Epoch - _state.Best >= _options.Patience;

    /// <summary>Measures an epoch, keeps its weights where it is the best one, and writes the state.</summary>
    private void EndEpoch(int number, double loss, double rate, double seconds)
    {
        _epochs.Add(_measure.Epoch(number, loss, rate, seconds));
        var isBest = number == 0 || IsBetter(_epochs[^1], _epochs[_state.Best]);
        _state = _state with { LossSum = 0, Taken = 0, Epochs = [.. _epochs], Best = isBest ? number : _state.Best };
        if (isBest)
        {
            _best = _session.Trained.ToDictionary(n => n, _session.Evaluated, StringComparer.Ordinal);
            Try(() => _state.Write(BestPath(number), _session.Trained.Select(n => _best[n])));
        }

        Save();
    }

    /// <summary>By mAP, and where that is the same by the loss, which is what a localiser alone is judged by.</summary>
    private static bool IsBetter(EpochResult epoch, EpochResult best) => double.IsFinite(epoch.OtherLoss)
        && (epoch.MeanAveragePrecision > best.MeanAveragePrecision
            || (epoch.MeanAveragePrecision == best.MeanAveragePrecision && epoch.OtherLoss < best.OtherLoss * LeastGain));

    private string BestPath(int epoch) => Path.Combine(_folder, BestFiles.Replace("*", $"{epoch}", StringComparison.Ordinal));

    private void Save()
    {
        Try(() =>
        {
            if (!File.Exists(BestPath(_state.Best))) // the disk was full, say
                _state.Write(BestPath(_state.Best), _session.Trained.Select(n => _best[n]));
            _state.Write(StatePath, _session.State.Select(_session.Read));
            foreach (var file in Directory.EnumerateFiles(_folder, BestFiles).Where(f => f != BestPath(_state.Best)))
                File.Delete(file); // of epochs that no state speaks of any more
        });
        _sinceSave.Restart();
    }

    /// <summary>A disk that is full is no reason to stop: the weights are in memory.</summary>
    private void Try(Action write)
    {
        try
        {
            write();
            _canSave = true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (_canSave)
                _warn($"{_folder}: the training's state can't be written: {e.Message.TrimEnd('.')}. It goes on without");
            _canSave = false;
        }
    }

    private void Resume()
    {
        var names = _session.State.ToList();
        var (state, tensors) = TrainingState.Read(StatePath, _data.Of, [.. names.Select(_session.LengthOf)]);
        foreach (var (name, values) in names.Zip(tensors))
            _session.Write(name, values);
        _state = state;
        _epochs.AddRange(state.Epochs);
        if (!File.Exists(BestPath(state.Best)))
            throw new InvalidTrainingException($"{BestPath(state.Best)}: is missing; remove its folder and train from the beginning");
        var (_, best) = TrainingState.Read(BestPath(state.Best), _data.Of, [.. _session.Trained.Select(_session.LengthOf)]);
        _best = _session.Trained.Zip(best).ToDictionary(p => p.First, p => p.Second, StringComparer.Ordinal);
    }
}
