using System.Diagnostics;
using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace AstStream.Model.Runtime;

/// <summary>What the machine's matrix product reaches in ONNX Runtime: the roof under which a model runs.</summary>
internal sealed class MatmulPeak : IDisposable
{
    private const int Products = 4; // one after the other, so that what is around them does not count

    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-peak-").FullName;
    private readonly InferenceSession _session;
    private readonly RunOptions _run = new();
    private readonly OrtValue _input = OrtValue.CreateTensorValueFromMemory<float>([0f], [1]);
    private readonly double _macs;

    private MatmulPeak(ModelPrecision precision, ExecutionProvider provider, AstSessionOptions options)
    {
        var (rows, size) = provider == ExecutionProvider.Cpu ? (1024, 2048) : (8192, 8192);
        _macs = (double)Products * rows * size * size;
        var path = Path.Combine(_folder, "peak.onnx");
        Write(path, precision, rows, size);
        using var session = new SessionOptions
        {
            IntraOpNumThreads = options.ThreadCount,
            LogSeverityLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL
        };
        ExecutionProviders.Append(session, provider, options, cudaGraph: false);
        _session = new InferenceSession(path, session);
    }

    /// <summary>Opens it; null, with a warning, where it can't be run: memory is short beside the model, say.</summary>
    public static MatmulPeak? TryOpen(ModelPrecision precision, ExecutionProvider provider, AstSessionOptions options, Action<string> warn)
    {
        try
        {
            var peak = new MatmulPeak(precision, provider, options);
            try
            {
                peak.Run();
                return peak;
            }
            catch
            {
                peak.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is OnnxRuntimeException or OutOfMemoryException or IOException)
        {
            warn($"the matrix product's peak could not be measured: {CudaErrors.Said(e.Message)}");
            return null;
        }
    }

    /// <summary>Multiply-accumulates per second of one run.</summary>
    public double Run()
    {
        var start = Stopwatch.GetTimestamp();
        using var results = _session.Run(_run, ["x"], [_input], ["y"]);
        return _macs / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    public void Dispose()
    {
        _session.Dispose();
        _input.Dispose();
        _run.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static void Write(string path, ModelPrecision precision, int rows, int size)
    {
        var type = precision.ActivationType();
        var data = Path.ChangeExtension(path, ".bin");
        var graph = new OnnxGraph(Path.GetFileName(data));
        graph.Input("x", ElementType.Float32, 1);
        var x = graph.AddWeight("a", ElementType.Float32, [rows, size], () => ElementType.Float32.Encode(Values(rows * size), "a"));
        x = graph.Node("Add", [x, "x"]); // depends on the input, so that nothing is computed beforehand
        if (type != ElementType.Float32)
            x = graph.Node("Cast", [x], ("to", (int)type));
        var b = precision == ModelPrecision.Int8
            ? graph.AddWeight("b", ElementType.Int8, [size, size], () => Quantization.Quantize(Values(size * size), size))
            : graph.AddWeight("b", type, [size, size], () => type.Encode(Values(size * size), "b"));
        for (var i = 0; i < Products; i++)
        {
            if (precision == ModelPrecision.Int8)
            {
                graph.Nodes("DynamicQuantizeLinear", "", [$"q{i}", $"s{i}", $"z{i}"], [x]);
                x = graph.Node(
                    "MatMulIntegerToFloat", OnnxGraph.Contrib, $"p{i}",
                    [$"q{i}", b, $"s{i}", graph.Scalar(1f / size, ElementType.Float32), $"z{i}"]);
            }
            else
            {
                x = graph.Node("MatMul", [x, b]);
            }
        }

        x = graph.Node("Slice", [x, graph.Int64s([0, 0], 2), graph.Int64s([1, 1], 2)]);
        graph.Node("Cast", "", "y", [x], ("to", (int)ElementType.Float32));
        graph.Output("y", ElementType.Float32, 1, 1);
        graph.WriteWeights(data);
        File.WriteAllBytes(path, graph.ToModel());
    }

    private static float[] Values(int count)
    {
        // Small, and of both signs, so that a chain of products neither overflows nor becomes denormal.
        var values = new float[count];
        for (var i = 0; i < count; i++)
            values[i] = ((i * 31 % 64) - 31.5f) / 1024;
        return values;
    }
}
