using Microsoft.ML.OnnxRuntime;

namespace AstStream.Model.Runtime;

/// <summary>A CUDA device's memory as ONNX Runtime names it, and the allocator of pinned host memory.</summary>
internal sealed class DeviceMemory : IDisposable
{
    private readonly OrtMemoryInfo _pinnedInfo;

    public DeviceMemory(InferenceSession session, int deviceId)
    {
        Info = new OrtMemoryInfo(OrtMemoryInfo.allocatorCUDA, OrtAllocatorType.DeviceAllocator, deviceId, OrtMemType.Default);
        _pinnedInfo = new OrtMemoryInfo(
            OrtMemoryInfo.allocatorCUDA_PINNED, OrtAllocatorType.DeviceAllocator, deviceId, OrtMemType.CpuOutput);
        try
        {
            Pinned = new OrtAllocator(session, _pinnedInfo);
        }
        catch (OnnxRuntimeException) when (deviceId != 0)
        {
            // ONNX Runtime files pinned memory, which every device sees, under device 0.
            _pinnedInfo.Dispose();
            _pinnedInfo = new OrtMemoryInfo(OrtMemoryInfo.allocatorCUDA_PINNED, OrtAllocatorType.DeviceAllocator, 0, OrtMemType.CpuOutput);
            Pinned = new OrtAllocator(session, _pinnedInfo);
        }
    }

    public OrtMemoryInfo Info { get; }

    public OrtAllocator Pinned { get; }

    public void Dispose()
    {
        Pinned.Dispose();
        _pinnedInfo.Dispose();
        Info.Dispose();
    }
}
