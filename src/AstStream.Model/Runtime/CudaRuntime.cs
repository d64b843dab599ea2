using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace AstStream.Model.Runtime;

/// <summary>The few calls of CUDA that ONNX Runtime has no interface for. Asked for only where its provider is loaded already.</summary>
internal static partial class CudaRuntime
{
    private const string Runtime = "cudart";
    private const string Driver = "cuda";
    private const uint NonBlocking = 1; // a stream that does not wait for the default one
    private const int HostToDevice = 1;
    private const int AnyDirection = 4; // the addresses say which
    private const int MostOfName = 256;

    /// <summary>A device's name, as nvidia-smi has it.</summary>
    public static string DeviceName(int device)
    {
        Span<byte> name = stackalloc byte[MostOfName];
        Check(Initialize(0), "cuInit");
        Check(GetDevice(out var handle, device), "cuDeviceGet");
        Check(GetDeviceName(name, MostOfName, handle), "cuDeviceGetName");
        return System.Text.Encoding.UTF8.GetString(name[..name.IndexOf((byte)0)]);
    }

    /// <summary>Makes a stream on a device, which becomes this thread's.</summary>
    public static nint CreateStream(int device)
    {
        Check(SetDevice(device), "cudaSetDevice");
        Check(CreateStream(out var stream, NonBlocking), "cudaStreamCreateWithFlags");
        return stream;
    }

    public static void Destroy(nint stream) => _ = DestroyStream(stream); // a device that is gone has none

    /// <summary>Begins a copy from pinned memory, in the order of the stream.</summary>
    public static void CopyToDevice(nint to, nint from, long bytes, nint stream) =>
        Check(Copy(to, from, checked((nuint)bytes), HostToDevice, stream), "cudaMemcpyAsync");

    /// <summary>Copies between this process' memory and a device's, whichever is where, and waits until all of it is there.</summary>
    public static void Copy(nint to, nint from, long bytes)
    {
        Check(Copy(to, from, checked((nuint)bytes), AnyDirection), "cudaMemcpy");
        Wait(0); // from memory that is not pinned the call may come back before the device has it, and other streams don't wait
    }

    /// <summary>Waits for all that was begun on a stream.</summary>
    public static void Wait(nint stream) => Check(Synchronize(stream), "cudaStreamSynchronize");

#pragma warning disable CA2255 // the resolver must be there before the first call, wherever that is made
    [ModuleInitializer]
    internal static void Resolve() => NativeLibrary.SetDllImportResolver(
        Assembly.GetExecutingAssembly(), (name, assembly, path) => name switch
        {
            Runtime => NativeLibrary.Load(OperatingSystem.IsWindows() ? "cudart64_13" : "libcudart.so.13", assembly, path),
            Driver => NativeLibrary.Load(OperatingSystem.IsWindows() ? "nvcuda" : "libcuda.so.1", assembly, path),
            _ => 0,
        });
#pragma warning restore CA2255

    private static void Check(int error, string call)
    {
        if (error != 0)
            throw new CudaException($"{call} failed with CUDA's error {error}");
    }

    [LibraryImport(Runtime, EntryPoint = "cudaSetDevice")]
    private static partial int SetDevice(int device);

    [LibraryImport(Runtime, EntryPoint = "cudaStreamCreateWithFlags")]
    private static partial int CreateStream(out nint stream, uint flags);

    [LibraryImport(Runtime, EntryPoint = "cudaStreamDestroy")]
    private static partial int DestroyStream(nint stream);

    [LibraryImport(Runtime, EntryPoint = "cudaMemcpyAsync")]
    private static partial int Copy(nint to, nint from, nuint bytes, int kind, nint stream);

    [LibraryImport(Runtime, EntryPoint = "cudaMemcpy")]
    private static partial int Copy(nint to, nint from, nuint bytes, int kind);

    [LibraryImport(Runtime, EntryPoint = "cudaStreamSynchronize")]
    private static partial int Synchronize(nint stream);

    [LibraryImport(Driver, EntryPoint = "cuInit")]
    private static partial int Initialize(uint flags);

    [LibraryImport(Driver, EntryPoint = "cuDeviceGet")]
    private static partial int GetDevice(out int handle, int device);

    [LibraryImport(Driver, EntryPoint = "cuDeviceGetName")]
    private static partial int GetDeviceName(Span<byte> name, int length, int handle);
}
