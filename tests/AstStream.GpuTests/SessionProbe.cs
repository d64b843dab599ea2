using AstStream.Model.Checkpoints;
using AstStream.Model.Runtime;
using Microsoft.ML.OnnxRuntime;

namespace AstStream.GpuTests;

/// <summary>A session that is looked into: on the stand-ins a device's memory is the host's.</summary>
internal sealed class SessionProbe : IDisposable
{
    private readonly BoundSession _session;

    public SessionProbe(AstCheckpoint checkpoint, AstSessionOptions options)
    {
        RuntimeEnvironment.Ensure();
        var plan = SessionPlan.Make(options, [], _ => null, []);
        var graph = GraphCache.GetOrBuild(checkpoint, checkpoint.Config, plan.Graph, options.CacheFolder);
        _session = new BoundSession(graph, checkpoint.Config, plan, checkpoint.Extractor, usesCudaGraph: false);
    }

    public IInputRows Rows => _session.Input;

    /// <summary>The values of a tensor on the device.</summary>
    public unsafe ReadOnlySpan<T> Read<T>(OrtValue tensor)
        where T : unmanaged
    {
        var shape = tensor.GetTensorTypeAndShape();
        fixed (byte* data = tensor.GetTensorDataAsSpan<byte>())
            return new ReadOnlySpan<T>(data, (int)shape.ElementCount);
    }

    public void Dispose() => _session.Dispose();
}
