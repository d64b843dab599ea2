using System.Runtime.InteropServices;

namespace PortAudioSharp;

/// <summary>A stream of sound from a device, given to a callback on a thread of the library's own.</summary>
public class Stream : IDisposable
{
    private readonly Callback _callback; // kept alive as long as native code may call it
    private GCHandle _userData;
    private IntPtr _stream;
    private bool _isDisposed;

    public unsafe Stream(
        StreamParameters? inParams, StreamParameters? outParams, double sampleRate, uint framesPerBuffer, StreamFlags streamFlags, Callback callback, object userData)
    {
        _callback = callback;
        _userData = GCHandle.Alloc(userData);
        StreamParameters input = inParams.GetValueOrDefault(), output = outParams.GetValueOrDefault();
        var code = Native.Pa_OpenStream(
            out _stream, inParams is null ? null : &input, outParams is null ? null : &output, sampleRate, framesPerBuffer, streamFlags,
            Marshal.GetFunctionPointerForDelegate(_callback), GCHandle.ToIntPtr(_userData));
        if (code != ErrorCode.NoError)
        {
            _stream = IntPtr.Zero;
            PortAudioException.ThrowIf(code, "Error opening PortAudio Stream");
        }
    }

    ~Stream() => Release();

    public delegate StreamCallbackResult Callback(
        IntPtr input, IntPtr output, uint frameCount, ref StreamCallbackTimeInfo timeInfo, StreamCallbackFlags statusFlags, IntPtr userDataPtr);

    public bool IsActive
    {
        get
        {
            var code = Native.Pa_IsStreamActive(_stream);
            if (code < 0)
                PortAudioException.ThrowIf(code, "Error checking if PortAudio Stream is active");
            return (int)code == 1;
        }
    }

    public void Start() => PortAudioException.ThrowIf(Native.Pa_StartStream(_stream), "Error starting PortAudio Stream");

    public void Stop() => PortAudioException.ThrowIf(Native.Pa_StopStream(_stream), "Error stopping PortAudio Stream");

    public void Abort() => PortAudioException.ThrowIf(Native.Pa_AbortStream(_stream), "Error aborting PortAudio Stream");

    public void Close()
    {
        if (_stream == IntPtr.Zero)
            return;
        PortAudioException.ThrowIf(Native.Pa_CloseStream(_stream), "Error closing PortAudio Stream");
        _stream = IntPtr.Zero;
    }

    public void Dispose()
    {
        Release();
        GC.SuppressFinalize(this);
    }

    private void Release()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        Close();
        if (_userData.IsAllocated)
            _userData.Free();
        GC.KeepAlive(_callback);
    }
}
