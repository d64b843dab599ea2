using AstStream.Model.Onnx;

namespace AstStream.Model.Runtime;

/// <summary>One line of a model's benchmark: a precision and a batch size, with the time of each attention.</summary>
/// <param name="Precision">The precision.</param>
/// <param name="Batch">Windows in one run.</param>
/// <param name="Milliseconds">The median time of one run, by attention.</param>
/// <param name="ParityErrors">The largest logit error against the float32 reference, by attention.</param>
/// <param name="Provider">What it ran on.</param>
/// <param name="MatmulPeak">
/// What a plain matrix product reaches in this precision, in multiply-accumulates per second; not a number where it could not run.
/// </param>
/// <param name="MacsPerWindow">Multiply-accumulates that are done for one window's logits.</param>
public sealed record BenchmarkLine(
    ModelPrecision Precision,
    int Batch,
    IReadOnlyDictionary<AttentionImplementation, double> Milliseconds,
    IReadOnlyDictionary<AttentionImplementation, float?> ParityErrors,
    ExecutionProvider Provider,
    double MatmulPeak,
    double MacsPerWindow)
{
    /// <summary>Windows per second of the fastest attention.</summary>
    public double WindowsPerSecond => Batch / (Milliseconds.Values.Min() / 1000);

    /// <summary>Multiply-accumulates per second of the fastest attention.</summary>
    public double MacsPerSecond => WindowsPerSecond * MacsPerWindow;

    /// <summary>The share of the measured peak, 0 to 1.</summary>
    public double ShareOfPeak => MacsPerSecond / MatmulPeak;
}
