using System.Numerics.Tensors;
using AstStream.Learning.Evaluation;
using AstStream.Model.Training;

namespace AstStream.Learning.Training;

/// <summary>Measures a model on clips' first windows, by its weights as they are evaluated. For one caller at a time.</summary>
internal sealed class EpochMeasure(FineTuneOptions options, FineTuneData data, WindowMaker maker, TrainingSession session)
{
    private const float Heard = 0.2f; // by the base: what it hardly hears it may as well take for something else

    private readonly ColumnTargets? _columns = options.Session.TrainsColumns ? new ColumnTargets(data) : null;
    private int[] _topOfBase = []; // of the clips that are chosen by: its label among those that are kept; -1 where it hears none

    private bool IsCrossEntropy => options.Session.Loss == TrainingLoss.CrossEntropy;

    /// <summary>Asks the base, where labels of its are kept; before steps are filled, which ask it, too.</summary>
    public void Begin()
    {
        if (data.Kept == 0 || options.Session.TrainsColumnsAlone || data.Teacher is not { } teacher)
            return;
        var known = teacher.IndicesOf(data.Config.Labels.Take(data.Kept));
        _topOfBase = new int[data.Chosen.Count];
        Batches(data.Chosen, (first, made, inputs) => teacher.Ask(inputs, made.Length, (row, scores, _) =>
        {
            float[] kept = [.. known.Select(k => scores[k])];
            var top = TensorPrimitives.IndexOfMax<float>(kept);
            _topOfBase[first + row] = kept[top] >= Heard ? top : -1;
        }));
    }

    /// <summary>Measures an epoch, on the clips that it is chosen by.</summary>
    public EpochResult Epoch(int number, double loss, double rate, double seconds)
    {
        var measured = Of(data.Chosen);
        return new EpochResult(
            number, loss, measured.Loss, measured.Report.MeanAveragePrecision, measured.Report.Top1.Share, rate, seconds)
        {
            Places = measured.Places,
            Kept = Agreement(measured.Tops),
        };
    }

    /// <summary>Measures on some clips.</summary>
    public Measured Of(IReadOnlyList<LearntClip> clips)
    {
        var (scores, told, tops) = (new float[clips.Count][], 0.0, new int[clips.Count]);
        var (placed, hits, wrong, missed) = (0.0, 0, 0, 0);
        Run(clips, (i, made, logits, columns) =>
        {
            var learnt = logits[data.Kept..];
            scores[i] = Scores(learnt);
            told += Loss(learnt, clips[i].Targets) / clips.Count;
            tops[i] = data.Kept == 0 ? -1 : TensorPrimitives.IndexOfMax(logits[..data.Kept]);
            if (_columns is null)
                return;
            var (targets, weights) = (new float[columns.Length], new float[columns.Length]);
            _columns.Fill(made, clips[i], clips[i], 1f / clips.Count, targets, weights);
            for (var c = 0; c < columns.Length; c++)
            {
                if (weights[c] == 0)
                    continue;
                placed += weights[c] * ((targets[c] * HeadFit.Softplus(-columns[c])) + ((1 - targets[c]) * HeadFit.Softplus(columns[c])));
                var (sounds, isHeard) = (targets[c] >= 0.5f, columns[c] >= 0);
                hits += sounds && isHeard ? 1 : 0;
                wrong += !sounds && isHeard ? 1 : 0;
                missed += sounds && !isHeard ? 1 : 0;
            }
        });
        return new Measured(
            new ClipReport(data.Learnt, [.. clips.Select(c => c.Clip.Clip)], scores), scores,
            (options.Session.TrainsColumnsAlone ? 0 : told) + placed,
            hits + wrong + missed == 0 ? double.NaN : 2.0 * hits / ((2 * hits) + wrong + missed), tops);
    }

    private delegate void Hears(int clip, MadeWindow made, ReadOnlySpan<float> logits, ReadOnlySpan<float> columns);

    private void Run(IReadOnlyList<LearntClip> clips, Hears hears)
    {
        Batches(clips, (first, made, inputs) =>
        {
            var (logits, columns) = session.Evaluate(inputs);
            int labels = logits.Length / session.Batch, places = columns.Length / session.Batch;
            for (var row = 0; row < made.Length; row++)
                hears(first + row, made[row], logits.AsSpan(row * labels, labels), columns.AsSpan(row * places, places));
        });
    }

    private void Batches(IReadOnlyList<LearntClip> clips, Action<int, MadeWindow[], float[]> each)
    {
        var size = data.Config.MaxLength * data.Config.NumMelBins;
        var inputs = new float[session.Batch * size];
        for (var from = 0; from < clips.Count; from += session.Batch)
        {
            var first = from;
            var made = new MadeWindow[Math.Min(session.Batch, clips.Count - from)];
            Parallel.For(0, made.Length, row => made[row] = maker.First(clips[first + row].Clip, inputs.AsSpan(row * size, size)));
            each(first, made, inputs);
        }
    }

    /// <summary>The share of the clips of which the base's first label, of those that are kept, is the model's too.</summary>
    private double Agreement(int[] tops)
    {
        var heard = _topOfBase.Count(t => t >= 0);
        return heard == 0 ? double.NaN : (double)_topOfBase.Zip(tops).Count(t => t.First >= 0 && t.First == t.Second) / heard;
    }

    private float[] Scores(ReadOnlySpan<float> logits)
    {
        var scores = new float[logits.Length];
        if (IsCrossEntropy)
            TensorPrimitives.SoftMax(logits, scores);
        else
            TensorPrimitives.Sigmoid(logits, scores);
        return scores;
    }

    private double Loss(ReadOnlySpan<float> logits, IReadOnlyList<int> targets)
    {
        if (IsCrossEntropy)
        {
            var scores = Scores(logits);
            return -targets.Sum(t => Math.Log(Math.Max(scores[t], float.Epsilon)));
        }

        var sum = 0.0;
        for (var c = 0; c < logits.Length; c++)
            sum += HeadFit.Softplus(targets.Contains(c) ? -logits[c] : logits[c]);
        return sum / logits.Length;
    }
}
