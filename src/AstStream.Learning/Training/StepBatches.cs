using AstStream.Model.Training;

namespace AstStream.Learning.Training;

/// <summary>
/// Fills the batches of each step: which clips, how they are changed, and what they are to say. All of it follows from the step.
/// </summary>
internal sealed class StepBatches
{
    private readonly FineTuneOptions _options;
    private readonly FineTuneData _data;
    private readonly WindowMaker _maker;
    private readonly TrainingSession _session;
    private readonly float[] _present;
    private readonly float[] _absent;
    private readonly ColumnTargets? _columns; // where a localiser is trained
    private readonly Lesson? _lesson; // where the base's labels are kept
    private readonly Lock _gate = new();
    private (long Epoch, int[] Clips) _order = (-1, []); // the step that is filled may be of another epoch than the one that is asked for

    public StepBatches(FineTuneOptions options, FineTuneData data, WindowMaker maker, TrainingSession session)
    {
        (_options, _data, _maker, _session) = (options, data, maker, session);
        (_present, _absent) = ClassWeights.Of(
            [.. data.Learnt.Select((_, c) => (double)data.Train.Count(t => t.Targets.Contains(c)) / data.Train.Count)],
            options.IsBalanced);
        _columns = options.Session.TrainsColumns ? new ColumnTargets(data) : null;
        _lesson = data.Teacher is { } teacher ? new Lesson(data, teacher, _columns, options.KeepWeight) : null;
    }

    /// <summary>Steps of an epoch.</summary>
    public int StepsPerEpoch => (_data.Train.Count + _options.Batch - 1) / _options.Batch;


    private int Labels => _data.Config.Labels.Count;

    private int Size => _data.Config.MaxLength * _data.Config.NumMelBins;

    private bool IsCrossEntropy => _options.Session.Loss == TrainingLoss.CrossEntropy;

    /// <summary>Room for a step.</summary>
    public TrainingBatch[] New()
    {
        var rows = _options.Batch + Replayed(_options.Batch);
        return [.. Enumerable.Range(0, (rows + _session.Batch - 1) / _session.Batch).Select(_ => _session.NewBatch())];
    }

    /// <summary>The clips of a step: all of them in an epoch, in an order of its own; the last step may have fewer.</summary>
    public int[] Clips(long step)
    {
        var (epoch, place) = Math.DivRem(step, StepsPerEpoch);
        lock (_gate)
        {
            if (_order.Epoch != epoch)
                _order = (epoch, Shuffled(epoch));
            return [.. _order.Clips.Skip((int)place * _options.Batch).Take(_options.Batch)];
        }
    }

    /// <summary>Fills the batches of a step; gives how many of them have windows.</summary>
    public int Fill(TrainingBatch[] batches, long step)
    {
        var clips = Clips(step);
        foreach (var batch in batches)
        {
            Array.Clear(batch.Weights); // what is left from another step counts nothing
            Array.Clear(batch.ColumnWeights);
        }

        var rows = clips.Length + Replayed(clips.Length);
        Parallel.For(0, rows, row =>
        {
            var (batch, at) = (batches[row / _session.Batch], row % _session.Batch);
            if (row < clips.Length)
                FillLearnt(batch, at, step, row, clips);
            else
                FillReplayed(batch, at, step, row);
        });
        var count = (rows + _session.Batch - 1) / _session.Batch;
        for (var i = 0; i < count && _lesson is not null; i++)
        {
            var first = i * _session.Batch;
            _lesson.Fill(
                batches[i], Math.Min(_session.Batch, rows - first), replayedFrom: Math.Max(0, clips.Length - first), 1f / clips.Length);
        }

        return count;
    }

    /// <summary>Windows of a step that are the base's to say, besides those of clips: half as many.</summary>
    private int Replayed(int clips) => _data.Replay.Count == 0 ? 0 : (clips + 1) / 2;

    private void FillLearnt(TrainingBatch batch, int at, long step, int row, int[] clips)
    {
        var random = new CountedRandom(_options.Seed, step, row);
        var clip = _data.Train[clips[row]];
        var other = _data.Train[random.Below(_data.Train.Count)];
        var made = _maker.Changed(clip.Clip, other.Clip, ref random, batch.Inputs.AsSpan(at * Size, Size));
        var weight = 1f / clips.Length;
        if (_columns is not null)
        {
            var count = _columns.Columns * _columns.Groups;
            _columns.Fill(
                made, clip, other, weight, batch.ColumnTargets.AsSpan(at * count, count), batch.ColumnWeights.AsSpan(at * count, count));
        }

        var targets = batch.Targets.AsSpan((at * Labels) + _data.Kept, Labels - _data.Kept);
        var share = (float)made.Share;
        targets.Clear();
        foreach (var target in clip.Targets)
            targets[target] += 1 - share;
        foreach (var target in other.Targets)
            targets[target] += share;
        var smoothing = (float)_options.LabelSmoothing;
        if (IsCrossEntropy)
        {
            var counts = 0f;
            for (var c = 0; c < targets.Length; c++)
                counts += targets[c] * (_options.IsBalanced ? 2 * _present[c] / targets.Length : 1);
            batch.Weights[at] = weight * counts;
        }

        for (var c = 0; c < targets.Length; c++)
        {
            if (!IsCrossEntropy)
                batch.Weights[(at * Labels) + _data.Kept + c] =
                    weight / targets.Length * ((targets[c] * _present[c]) + ((1 - targets[c]) * _absent[c]));
            targets[c] = (targets[c] * (1 - smoothing)) + (smoothing / (IsCrossEntropy ? targets.Length : 2));
        }
    }

    private void FillReplayed(TrainingBatch batch, int at, long step, int row)
    {
        var random = new CountedRandom(_options.Seed, step, row);
        BankedClip Any(ref CountedRandom random) => _data.Replay[random.Below(_data.Replay.Count)];
        _maker.Changed(Any(ref random), Any(ref random), ref random, batch.Inputs.AsSpan(at * Size, Size));
    }

    private int[] Shuffled(long epoch)
    {
        var random = new CountedRandom(_options.Seed, -1 - epoch, 0); // steps are from 0 on
        int[] clips = [.. Enumerable.Range(0, _data.Train.Count)];
        for (var i = clips.Length - 1; i > 0; i--)
        {
            var other = random.Below(i + 1);
            (clips[i], clips[other]) = (clips[other], clips[i]);
        }

        return clips;
    }
}
