using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace PortAudioSharp;

/// <summary>The library as a whole: its devices, and when it looks for them.</summary>
public static class PortAudio
{
    public const int NoDevice = -1;
    public const uint FramesPerBufferUnspecified = 0;

    public static int DeviceCount => Native.Pa_GetDeviceCount();

    public static int DefaultInputDevice => Native.Pa_GetDefaultInputDevice();

    public static void Initialize() => PortAudioException.ThrowIf(Native.Pa_Initialize(), "Error initializing PortAudio");

    public static void Terminate() => PortAudioException.ThrowIf(Native.Pa_Terminate(), "Error terminating PortAudio");

    public static string GetErrorText(ErrorCode errorCode) => Marshal.PtrToStringAnsi(Native.Pa_GetErrorText(errorCode)) ?? "";

    public static DeviceInfo GetDeviceInfo(int device)
    {
        var found = Marshal.PtrToStructure<Native.DeviceInfo>(Native.Pa_GetDeviceInfo(device));
        return new DeviceInfo
        {
            structVersion = found.StructVersion,
            name = Marshal.PtrToStringUTF8(found.Name) ?? "",
            hostApi = found.HostApi,
            maxInputChannels = found.MaxInputChannels,
            maxOutputChannels = found.MaxOutputChannels,
            defaultLowInputLatency = found.DefaultLowInputLatency,
            defaultLowOutputLatency = found.DefaultLowOutputLatency,
            defaultHighInputLatency = found.DefaultHighInputLatency,
            defaultHighOutputLatency = found.DefaultHighOutputLatency,
            defaultSampleRate = found.DefaultSampleRate,
        };
    }
}

public class PortAudioException(ErrorCode ec, string message) : Exception(message)
{
    public ErrorCode ErrorCode { get; } = ec;

    internal static void ThrowIf(ErrorCode ec, string message)
    {
        if (ec != ErrorCode.NoError)
            throw new PortAudioException(ec, message);
    }
}

internal static class Native
{
    private const string Library = "portaudio";

    [DllImport(Library)]
    public static extern ErrorCode Pa_Initialize();

    [DllImport(Library)]
    public static extern ErrorCode Pa_Terminate();

    [DllImport(Library)]
    public static extern int Pa_GetDeviceCount();

    [DllImport(Library)]
    public static extern int Pa_GetDefaultInputDevice();

    [DllImport(Library)]
    public static extern IntPtr Pa_GetDeviceInfo(int device);

    [DllImport(Library)]
    public static extern IntPtr Pa_GetErrorText(ErrorCode errorCode);

    [DllImport(Library)]
    public static extern unsafe ErrorCode Pa_OpenStream(
        out IntPtr stream, StreamParameters* input, StreamParameters* output, double sampleRate, uint framesPerBuffer, StreamFlags flags, IntPtr callback, IntPtr userData);

    [DllImport(Library)]
    public static extern ErrorCode Pa_CloseStream(IntPtr stream);

    [DllImport(Library)]
    public static extern ErrorCode Pa_StartStream(IntPtr stream);

    [DllImport(Library)]
    public static extern ErrorCode Pa_StopStream(IntPtr stream);

    [DllImport(Library)]
    public static extern ErrorCode Pa_AbortStream(IntPtr stream);

    [DllImport(Library)]
    public static extern ErrorCode Pa_IsStreamActive(IntPtr stream);

    [StructLayout(LayoutKind.Sequential)]
    public struct DeviceInfo
    {
        public int StructVersion;
        public IntPtr Name;
        public int HostApi;
        public int MaxInputChannels;
        public int MaxOutputChannels;
        public double DefaultLowInputLatency;
        public double DefaultLowOutputLatency;
        public double DefaultHighInputLatency;
        public double DefaultHighOutputLatency;
        public double DefaultSampleRate;
    }
}
