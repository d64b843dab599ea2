using System.Runtime.InteropServices;
using Microsoft.ML.OnnxRuntime;

namespace AstStream.Model;

/// <summary>
/// ONNX Runtime's Linux builds keep a device id and report use to Microsoft unless told not to before they start
/// (microsoft/onnxruntime, pull request 27379). A program that listens to microphones sends nothing that nobody asked for.
/// </summary>
internal static partial class RuntimePrivacy
{
    private const string Variable = "ORT_DISABLE_TELEMETRY";

    private static readonly Lazy<bool> s_once = new(() =>
    {
        // .NET's own SetEnvironmentVariable does not reach native code on Unix. A value that the user has set stays.
        if (OperatingSystem.IsWindows())
            Environment.SetEnvironmentVariable(Variable, Environment.GetEnvironmentVariable(Variable) ?? "1");
        else
            _ = SetEnv(Variable, "1", overwrite: 0);
        if (Environment.GetEnvironmentVariable(Variable) is null or "1")
            OrtEnv.Instance().DisableTelemetryEvents();
        return true;
    });

    /// <summary>Turns reporting off; to be called before anything else of ONNX Runtime.</summary>
    public static void Ensure() => _ = s_once.Value;

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnv(string name, string value, int overwrite);
}
