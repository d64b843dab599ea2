using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace AstStream.Model.Runtime;

/// <summary>What is set once for the process before ONNX Runtime is used.</summary>
internal static partial class RuntimeEnvironment
{
    private const string Variable = "ORT_DISABLE_TELEMETRY";
    private const int SameAsRequested = 1;
    private const long BesidesArena = 256 << 20; // bytes for the runtime, buffers and sound

    private static readonly Lazy<bool> s_once = new(() =>
    {
        SilenceTelemetry();
        OrtEnv.Instance().EnvLogLevel = OrtLoggingLevel.ORT_LOGGING_LEVEL_FATAL; // its errors come as exceptions, which are reported

        // One arena for all sessions. It grows by what is asked for, not to the next power of two, and not beyond what the
        // process may use without the share of everything else, or 4 GiB, the most that can be said here.
        using var info = new OrtMemoryInfo(OrtMemoryInfo.allocatorCPU, OrtAllocatorType.ArenaAllocator, 0, OrtMemType.Default);
        using var arena = new OrtArenaCfg(
            (uint)Math.Min(uint.MaxValue, MemoryLimit.Bytes - Math.Min(BesidesArena, MemoryLimit.Bytes / 4)), SameAsRequested, -1, -1);
        OrtEnv.Instance().CreateAndRegisterAllocator(info, arena);
        return true;
    });

    /// <summary>Sets it; to be called before anything else of ONNX Runtime.</summary>
    public static void Ensure() => _ = s_once.Value;

    /// <summary>
    /// ONNX Runtime's Linux builds keep a device id and report use to Microsoft unless told not to before they start
    /// (microsoft/onnxruntime, pull request 27379). A program that listens to microphones sends nothing that nobody asked for.
    /// </summary>
    private static void SilenceTelemetry()
    {
        // .NET's own SetEnvironmentVariable does not reach native code on Unix. A value that the user has set stays.
        if (OperatingSystem.IsWindows())
            Environment.SetEnvironmentVariable(Variable, Environment.GetEnvironmentVariable(Variable) ?? "1");
        else
            _ = SetEnv(Variable, "1", overwrite: 0);
        if (Environment.GetEnvironmentVariable(Variable) is null or "1")
            OrtEnv.Instance().DisableTelemetryEvents();
    }

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnv(string name, string value, int overwrite);
}
