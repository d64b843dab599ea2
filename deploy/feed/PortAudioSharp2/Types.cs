using System.Runtime.InteropServices;

namespace PortAudioSharp;

public struct DeviceInfo
{
    public int structVersion;
    public string name;
    public int hostApi;
    public int maxInputChannels;
    public int maxOutputChannels;
    public double defaultLowInputLatency;
    public double defaultLowOutputLatency;
    public double defaultHighInputLatency;
    public double defaultHighOutputLatency;
    public double defaultSampleRate;
}

[StructLayout(LayoutKind.Sequential)]
public struct StreamParameters
{
    public int device;
    public int channelCount;
    public SampleFormat sampleFormat;
    public double suggestedLatency;
    public IntPtr hostApiSpecificStreamInfo;
}

[StructLayout(LayoutKind.Sequential)]
public struct StreamCallbackTimeInfo
{
    public double inputBufferAdcTime;
    public double currentTime;
    public double outputBufferDacTime;
}

public enum SampleFormat : uint
{
    Float32 = 1,
    Int32 = 2,
    Int24 = 4,
    Int16 = 8,
    Int8 = 16,
    UInt8 = 32,
    CustomFormat = 0x10000,
    NonInterleaved = 0x80000000,
}

public enum StreamFlags : uint
{
    NoFlag = 0,
    ClipOff = 1,
    DitherOff = 2,
    NeverDropInput = 4,
}

public enum StreamCallbackFlags : uint
{
    InputUnderflow = 1,
    InputOverflow = 2,
    OutputUnderflow = 4,
    OutputOverflow = 8,
    PrimingOutput = 16,
}

public enum StreamCallbackResult
{
    Continue = 0,
    Complete = 1,
    Abort = 2,
}

public enum ErrorCode
{
    NoError = 0,
    NotInitialized = -10000,
    UnanticipatedHostError,
    InvalidChannelCount,
    InvalidSampleRate,
    InvalidDevice,
    InvalidFlag,
    SampleFormatNotSupported,
    BadIODeviceCombination,
    InsufficientMemory,
    BufferTooBig,
    BufferTooSmall,
    NullCallback,
    BadStreamPtr,
    TimedOut,
    InternalError,
    DeviceUnavailable,
    IncompatibleHostApiSpecificStreamInfo,
    StreamIsStopped,
    StreamIsNotStopped,
    InputOverflowed,
    OutputUnderflowed,
    HostApiNotFound,
    InvalidHostApi,
    CanNotReadFromACallbackStream,
    CanNotWriteToACallbackStream,
    CanNotReadFromAnOutputOnlyStream,
    CanNotWriteToAnInputOnlyStream,
    IncompatibleStreamHostApi,
    BadBufferPtr,
}
