using System.Reflection;
using System.Runtime.InteropServices;
using AstStream.Connectors.Programs;
using AstStream.Dsp;
using PortAudioSharp;

namespace AstStream.Connectors.Capture;

/// <summary>
/// PortAudio, initialised: its devices as they are now. It looks for them when it is initialised and never again, and it may hang when a
/// sound server dies; so only processes of their own use it, never the one that runs a pipeline.
/// </summary>
public sealed partial class AudioDevices : IDisposable
{
    private const string Library = "portaudio";
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(15);

    private const int StandardError = 2;
    private const string ServerDevice = "pulse"; // of ALSA's plugin, which leads to a sound server

    static AudioDevices()
    {
        // Debian's library has a version in its name. The package has calls of its own, and so has this class.
        foreach (var assembly in (Assembly[])[typeof(AudioDevices).Assembly, typeof(PortAudio).Assembly])
            NativeLibrary.SetDllImportResolver(assembly, Find);

        static IntPtr Find(string name, Assembly assembly, DllImportSearchPath? path) =>
            name == Library && OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libportaudio.so.2", assembly, path, out var handle)
                ? handle
                : IntPtr.Zero;
    }

    /// <summary>Starts PortAudio and lists the devices that sound can be taken from.</summary>
    /// <exception cref="InvalidAudioException">PortAudio is not installed, or can't start.</exception>
    public AudioDevices()
    {
        try
        {
            Quietly(PortAudio.Initialize);
            var first = PortAudio.DefaultInputDevice;
            List<AudioDevice> own = [.. Enumerable.Range(0, Math.Max(0, PortAudio.DeviceCount))
                .Select(i => (Index: i, Info: PortAudio.GetDeviceInfo(i)))
                .Where(d => d.Info.maxInputChannels > 0).Select(d => new AudioDevice(
                d.Index, HostApiName(d.Info.hostApi), d.Info.name, d.Info.maxInputChannels, d.Info.defaultSampleRate,
                    d.Info.defaultLowInputLatency, d.Info.defaultHighInputLatency, d.Index == first))];
            All = own.Find(d => d.Name == ServerDevice) is { } server ? [.. own, .. SoundServer.Sources(server)] : own;
        }
        catch (DllNotFoundException)
        {
            throw new InvalidAudioException("PortAudio is not installed, and microphones need it: apt-get install libportaudio2");
        }
        catch (PortAudioException e)
        {
            throw new InvalidAudioException($"PortAudio can't start: {PortAudio.GetErrorText(e.ErrorCode)}");
        }
    }

    /// <summary>The devices: PortAudio's, and after them the sources of a sound server by their own names.</summary>
    public IReadOnlyList<AudioDevice> All { get; }

    /// <summary>The devices, asked for in the background: a sound server that hangs holds up nothing but that.</summary>
    /// <exception cref="InvalidAudioException">PortAudio is not installed, can't start, or does not answer.</exception>
    public static async Task<IReadOnlyList<AudioDevice>> ListAsync(CancellationToken stop)
    {
        // A thread of its own, which the end of the process ends too.
        var listing = Task.Factory.StartNew(
            () =>
            {
                using var devices = new AudioDevices();
                return devices.All;
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        try
        {
            return await listing.WaitAsync(s_patience, stop).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new InvalidAudioException(
                $"the sound system has not answered for {s_patience.TotalSeconds:0} s; does PulseAudio or PipeWire hang? Start it again");
        }
    }

    /// <summary>Finds a device by its name, or by a part of it that only one has.</summary>
    /// <exception cref="InvalidAudioException">None has it, or several do.</exception>
    public static AudioDevice Find(string name, IReadOnlyList<AudioDevice> devices)
    {
        try
        {
            return new DeviceChoice(name, null, null).Pick(devices);
        }
        catch (LinkException e)
        {
            throw new InvalidAudioException(e.Message);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Quietly(PortAudio.Terminate);

    /// <summary>Says which source a sound server is to give, before its device is opened.</summary>
    internal static void Choose(AudioDevice device)
    {
        if (device.ServerSource is { } source && OperatingSystem.IsLinux())
            _ = SetEnv(SoundServer.SourceVariable, source, 1); // the library asks for the process's own variables, which .NET's are not
    }

    /// <summary>
    /// Does something while the standard error leads nowhere: ALSA and JACK write dozens of lines there about what they did not find.
    /// </summary>
    internal static void Quietly(Action action)
    {
        if (!OperatingSystem.IsLinux())
        {
            action();
            return;
        }

        _ = SetEnv("JACK_NO_START_SERVER", "1", 1);
        const int writeOnly = 1;
        int saved = Dup(StandardError), nowhere = NativeOpen("/dev/null", writeOnly);
        _ = Dup2(nowhere, StandardError);
        try
        {
            action();
        }
        finally
        {
            _ = Dup2(saved, StandardError);
            _ = Close(saved);
            _ = Close(nowhere);
        }
    }

    private static string HostApiName(int hostApi)
    {
        var info = HostApiInfo(hostApi);
        return info == IntPtr.Zero ? "?" : Marshal.PtrToStringUTF8(Marshal.ReadIntPtr(info, 2 * sizeof(int))) ?? "?";
    }

    // Struct: version, type, name. PortAudioSharp2 does not offer it.
    [LibraryImport(Library, EntryPoint = "Pa_GetHostApiInfo")]
    private static partial IntPtr HostApiInfo(int hostApi);

    [LibraryImport("libc", EntryPoint = "dup")]
    private static partial int Dup(int descriptor);

    [LibraryImport("libc", EntryPoint = "dup2")]
    private static partial int Dup2(int from, int to);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int NativeOpen(string path, int flags);

    [LibraryImport("libc", EntryPoint = "setenv", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetEnv(string name, string value, int overwrite);
}
