using System.Globalization;
using Microsoft.ML.OnnxRuntime;

namespace AstStream.Model.Runtime;

/// <summary>Where one batch size's input and outputs are, for a run of them.</summary>
internal sealed class RunBinding : IDisposable
{
    /// <summary>ONNX Runtime's name for a run's CUDA graph; -1 for none.</summary>
    public const string GraphId = "gpu_graph_id";

    private readonly List<OrtValue> _values = [];

    /// <summary>Makes a binding, empty yet.</summary>
    /// <param name="binding">ONNX Runtime's.</param>
    /// <param name="graphId">The CUDA graph that its runs are captured as; null for none.</param>
    public RunBinding(OrtIoBinding binding, int? graphId)
    {
        IoBinding = binding;
        if (graphId is { } id)
            RunOptions.AddRunConfigEntry(GraphId, id.ToString(CultureInfo.InvariantCulture));
    }

    public OrtIoBinding IoBinding { get; }

    public RunOptions RunOptions { get; } = new();

    public void Input(string name, OrtValue value)
    {
        _values.Add(value);
        IoBinding.BindInput(name, value);
    }

    public void Output(string name, OrtValue value)
    {
        _values.Add(value);
        IoBinding.BindOutput(name, value);
    }

    public void Dispose()
    {
        IoBinding.Dispose();
        RunOptions.Dispose();
        foreach (var value in _values)
            value.Dispose();
    }
}
