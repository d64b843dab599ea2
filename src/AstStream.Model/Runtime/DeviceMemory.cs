using Microsoft.ML.OnnxRuntime;

namespace AstStream.Model.Runtime;

/// <summary>A CUDA device's memory as ONNX Runtime names it, and its allocators.</summary>
internal sealed class DeviceMemory : IDisposable
{
    private readonly OrtMemoryInfo _pinnedInfo;

    public DeviceMemory(InferenceSession session, int deviceId)
    {
        Info = new OrtMemoryInfo(OrtMemoryInfo.allocatorCUDA, OrtAllocatorType.DeviceAllocator, deviceId, OrtMemType.Default);
        Allocator = new OrtAllocator(session, Info);
        try
        {
            (Pinned, _pinnedInfo) = OpenPinned(session, deviceId);
        }
        catch (OnnxRuntimeException) when (deviceId != 0)
        {
            // ONNX Runtime files pinned memory, which every device sees, under device 0.
            (Pinned, _pinnedInfo) = OpenPinned(session, 0);
        }
    }

    public OrtMemoryInfo Info { get; }

    /// <summary>The allocator of the device's own memory.</summary>
    public OrtAllocator Allocator { get; }

    /// <summary>The allocator of pinned host memory.</summary>
    public OrtAllocator Pinned { get; }

    public void Dispose()
    {
        Pinned.Dispose();
        Allocator.Dispose();
        _pinnedInfo.Dispose();
        Info.Dispose();
    }

    private static (OrtAllocator Allocator, OrtMemoryInfo Info) OpenPinned(InferenceSession session, int deviceId)
    {
        var info = new OrtMemoryInfo(
            OrtMemoryInfo.allocatorCUDA_PINNED, OrtAllocatorType.DeviceAllocator, deviceId, OrtMemType.CpuOutput);
        try
        {
            return (new OrtAllocator(session, info), info);
        }
        catch
        {
            info.Dispose();
            throw;
        }
    }
}
