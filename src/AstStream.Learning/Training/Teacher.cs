using System.Numerics.Tensors;
using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;
using AstStream.Model.Runtime;

namespace AstStream.Learning.Training;

/// <summary>
/// The base as it was: it says of each window what the trained model is to go on saying of the base's labels (Z. Li and D. Hoiem, Learning
/// without Forgetting, 2016). For one caller at a time.
/// </summary>
public sealed class Teacher : IDisposable
{
    private readonly AstSession _session;
    private readonly float[] _scores;
    private readonly float[] _columns;

    /// <summary>Opens it.</summary>
    /// <param name="checkpoint">The base; it stays the caller's.</param>
    /// <param name="execution">What it runs on.</param>
    /// <exception cref="ModelExecutionException">It can't be run so.</exception>
    public Teacher(AstCheckpoint checkpoint, AstSessionOptions execution)
    {
        var config = checkpoint.Config;
        _session = AstSession.Create(checkpoint, execution with
        {
            Config = null,
            IsNormalized = true,
            Precision = ModelPrecision.Float32,
            Outputs = config.Localiser is null ? AstOutputs.Logits : AstOutputs.Columns,
        });
        _scores = new float[config.Labels.Count];
        _columns = new float[config.TimePatches * (config.Localiser?.Groups.Count ?? 0)];
    }

    /// <summary>The base's architecture.</summary>
    public AstConfig Config => _session.Config;

    /// <summary>Of each of some labels the base's, by index; -1 where it has none of that name.</summary>
    public int[] IndicesOf(IEnumerable<string> labels)
    {
        var known = Config.Labels.Index().DistinctBy(l => l.Item).ToDictionary(l => l.Item, l => l.Index, StringComparer.Ordinal);
        return [.. labels.Select(l => known.GetValueOrDefault(l, -1))];
    }

    /// <summary>Says what it makes of windows.</summary>
    /// <param name="inputs">input_values, [rows, max_length, num_mel_bins].</param>
    /// <param name="rows">How many.</param>
    /// <param name="said">
    /// Hears of each row the scores of the base's labels, 0 to 1, and those of its localiser, [columns, groups]; they hold for the call.
    /// </param>
    /// <exception cref="ModelExecutionException">It can't be run.</exception>
    public void Ask(ReadOnlySpan<float> inputs, int rows, Action<int, float[], float[]> said)
    {
        var size = Config.MaxLength * Config.NumMelBins;
        for (var from = 0; from < rows; from += _session.MaxBatch)
        {
            var count = Math.Min(_session.MaxBatch, rows - from);
            for (var row = 0; row < count; row++)
                inputs.Slice((from + row) * size, size).CopyTo(_session.Input(row));
            _session.Run(count);
            for (var row = 0; row < count; row++)
            {
                TensorPrimitives.Sigmoid(_session.Logits(row), _scores);
                if (_columns.Length > 0)
                    TensorPrimitives.Sigmoid(_session.Columns(row), _columns);
                said(from + row, _scores, _columns);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _session.Dispose();
}
