using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;
using AstStream.Model.Runtime;

namespace AstStream.Emulation;

/// <summary>What graphs with a GPU's rounding give for a few sounds, beside the reference in float32.</summary>
internal sealed class PrecisionTrial
{
    private readonly AstCheckpoint _checkpoint;
    private readonly AstConfig _config;
    private readonly string _cache;
    private readonly float[] _inputValues;
    private readonly float[] _logMel;
    private readonly float[] _expected;
    private readonly int _batch;

    /// <summary>Makes sounds, and computes the reference.</summary>
    /// <param name="checkpoint">The model.</param>
    /// <param name="config">What it runs as.</param>
    /// <param name="cache">Where graphs are kept.</param>
    /// <param name="batch">Sounds in one batch.</param>
    public PrecisionTrial(AstCheckpoint checkpoint, AstConfig config, string cache, int batch)
    {
        (_checkpoint, _config, _cache, _batch) = (checkpoint, config, cache, batch);
        var size = config.MaxLength * config.NumMelBins;
        (_inputValues, _logMel) = (new float[batch * size], new float[batch * size]);
        for (var row = 0; row < batch; row++)
        {
            Fill(_inputValues.AsSpan(row * size, size), row, raw: false);
            Fill(_logMel.AsSpan(row * size, size), row, raw: true);
        }

        RuntimeEnvironment.Ensure();
        var reference = new AstGraphOptions
        {
            Attention = AttentionImplementation.Eager,
            FoldNormalization = false,
            FoldBiases = false,
            Outputs = AstOutputs.Logits
        };
        _expected = Run(reference, isTf32: false);
    }

    /// <summary>The largest logit error of a graph over the sounds, in one batch and one by one.</summary>
    public float Error(AstGraphOptions options)
    {
        var logits = Run(options, isTf32: options.Precision != ModelPrecision.Float16);
        var worst = 0f;
        for (var i = 0; i < logits.Length; i++)
            worst = Math.Max(worst, MathF.Abs(logits[i] - _expected[i]));
        return worst;
    }

    private float[] Run(AstGraphOptions options, bool isTf32)
    {
        var graph = new GraphFile(GraphCache.GetOrBuild(_checkpoint, _config, options, _cache));
        return new GraphInterpreter(graph, isTf32).Run(
            options.FoldNormalization ? _logMel : _inputValues, _batch, _config.MaxLength, _config.NumMelBins);
    }

    /// <summary>The sound of the parity check, louder, softer and backwards.</summary>
    private void Fill(Span<float> row, int number, bool raw)
    {
        ParityCheck.FillInput(row, _config, _checkpoint.Extractor, raw: true);
        if (number % 2 != 0)
            row.Reverse();
        foreach (ref var value in row)
            value -= number;
        if (raw || !_checkpoint.Extractor.DoNormalize)
            return;
        foreach (ref var value in row)
            value = (value - _checkpoint.Extractor.Mean) / (2 * _checkpoint.Extractor.Std);
    }
}
