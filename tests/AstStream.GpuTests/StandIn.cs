using System.Diagnostics;
using System.Runtime.InteropServices;

namespace AstStream.GpuTests;

/// <summary>
/// CUDA's libraries, stood in for: built with gcc, and loaded before ONNX Runtime's CUDA provider asks for them. Every test of this project
/// runs on them, in a process of its own, one after the other.
/// </summary>
public sealed unsafe class StandIn
{
    private static readonly string[] s_libraries =
        ["libcudart.so.13", "libcublas.so.13", "libcublasLt.so.13", "libcurand.so.10", "libcudnn.so.9", "libcuda.so.1", "libnvrtc.so.13"];

    private static readonly Lazy<StandIn> s_loaded = new(() => new StandIn());
    private readonly delegate* unmanaged<nint> _take;
    private readonly delegate* unmanaged<byte*, int, int, void> _fail;
    private readonly delegate* unmanaged<uint, void> _delay;
    private readonly delegate* unmanaged<nuint, void> _limit;

    private StandIn()
    {
        var folder = Path.Combine(AppContext.BaseDirectory, "stand-in");
        var built = Path.Combine(folder, "built");
        using (var build = Process.Start("bash", [Path.Combine(folder, "build.sh"), built]))
        {
            build.WaitForExit();
            Assert.Equal(0, build.ExitCode);
        }

        nint runtime = 0;
        foreach (var library in s_libraries)
        {
            var handle = NativeLibrary.Load(Path.Combine(built, library));
            runtime = library == s_libraries[0] ? handle : runtime;
        }

        _take = (delegate* unmanaged<nint>)NativeLibrary.GetExport(runtime, "standin_take");
        _fail = (delegate* unmanaged<byte*, int, int, void>)NativeLibrary.GetExport(runtime, "standin_fail");
        _limit = (delegate* unmanaged<nuint, void>)NativeLibrary.GetExport(runtime, "standin_limit_memory");
        _delay = (delegate* unmanaged<uint, void>)NativeLibrary.GetExport(runtime, "standin_delay_captures");
    }

    /// <summary>Why there is none; null where there is one.</summary>
    public static string? WhyMissing { get; } =
        !OperatingSystem.IsLinux() || RuntimeInformation.OSArchitecture != Architecture.X64
            ? "the stand-ins are for ONNX Runtime's CUDA provider on x64 Linux"
        : Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(f => File.Exists(Path.Combine(f, "gcc"))) ? null
        : "gcc is not installed";

    /// <summary>The libraries, built and loaded.</summary>
    public static StandIn Loaded => s_loaded.Value;

    /// <summary>The calls since the last time.</summary>
    public IReadOnlyList<CudaCall> Take() =>
        [.. Marshal.PtrToStringUTF8(_take())!.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(CudaCall.Parse)];

    /// <summary>Lets a call fail: after so many that succeed, so many times.</summary>
    public void Fail(string call, int after, int times)
    {
        fixed (byte* name = System.Text.Encoding.UTF8.GetBytes(call + "\0"))
            _fail(name, after, times);
    }

    /// <summary>Lets the device have so many bytes; 0 for no limit.</summary>
    public void LimitMemory(long bytes) => _limit((nuint)bytes);

    /// <summary>Lets every capture last longer, so that other threads' calls meet it.</summary>
    public void DelayCaptures(TimeSpan by) => _delay((uint)by.TotalMicroseconds);
}
