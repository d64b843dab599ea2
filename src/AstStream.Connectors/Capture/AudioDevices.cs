using System.Runtime.InteropServices;
using AstStream.Dsp;
using PortAudioSharp;

namespace AstStream.Connectors.Capture;

/// <summary>A device that sound can be taken from.</summary>
/// <param name="Index">Its number in PortAudio's list, which changes when devices come and go.</param>
/// <param name="HostApi">The system that offers it: ALSA, JACK, Core Audio.</param>
/// <param name="Name">Its name there.</param>
/// <param name="Channels">The most channels that it gives.</param>
/// <param name="SampleRate">The rate that it likes best.</param>
/// <param name="LowLatency">The least latency that it holds, in seconds.</param>
/// <param name="HighLatency">The latency that is safe, in seconds.</param>
/// <param name="IsDefault">Whether it is the one to take where none is named.</param>
public sealed record AudioDevice(int Index, string HostApi, string Name, int Channels, double SampleRate, double LowLatency, double HighLatency, bool IsDefault)
{
    /// <inheritdoc/>
    public override string ToString() => $"{HostApi}: {Name}";
}

/// <summary>Which device is meant: by its name, or a part of it that only one has; by its number as the last resort; else the default one.</summary>
/// <param name="Name">Its name, or a part of it; upper and lower case are the same.</param>
/// <param name="HostApi">The system that offers it; any where not given.</param>
/// <param name="Index">Its number.</param>
public sealed record DeviceChoice(string? Name, string? HostApi, int? Index)
{
    /// <inheritdoc/>
    public override string ToString() =>
        Name is not null ? $"microphone '{Name}'" + (HostApi is null ? "" : $" of {HostApi}") : Index is not null ? $"microphone {Index}" : HostApi is not null ? $"the default microphone of {HostApi}" : "the default microphone";

    /// <summary>Finds the device that is meant.</summary>
    /// <exception cref="LinkException">None is, or more than one.</exception>
    internal AudioDevice Pick(IReadOnlyList<AudioDevice> devices)
    {
        if (devices.Count == 0)
            throw new LinkException($"{this}: this machine has no sound card that anything can be recorded from; is one plugged in, and may this user use it (group audio)? aststream devices lists them");
        var list = string.Join(", ", devices.Select(d => $"'{d}'"));
        var offered = devices.Where(d => HostApi is null || d.HostApi.Equals(HostApi, StringComparison.OrdinalIgnoreCase)).ToList();
        if (HostApi is not null && offered.Count == 0)
            throw new LinkException($"{this}: there is no host API '{HostApi}' with a microphone; there are {list}");
        if (Name is { } name)
        {
            var exact = offered.Where(d => d.Name.Equals(name, StringComparison.OrdinalIgnoreCase)).ToList();
            var found = exact.Count > 0 ? exact : [.. offered.Where(d => d.Name.Contains(name, StringComparison.OrdinalIgnoreCase))];
            return found.Count switch
            {
                1 => found[0],
                0 => throw new LinkException($"{this}: there is no such device, or another program holds it; there are {list}"),
                _ => throw new LinkException($"{this}: {found.Count} devices match: {string.Join(", ", found.Select(d => $"'{d}'"))}; expected a longer part of the name, or host_api, that only one has") { IsFinal = true },
            };
        }

        if (Index is { } index)
            return offered.FirstOrDefault(d => d.Index == index) ?? throw new LinkException($"{this}: there is no such device; there are {string.Join(", ", devices.Select(d => $"{d.Index} '{d}'"))}");
        return offered.FirstOrDefault(d => d.IsDefault) ?? offered[0];
    }
}

/// <summary>
/// PortAudio, initialised: its devices as they are now. It looks for them when it is initialised and never again, and it may hang when a sound
/// server dies; so only processes of their own use it, never the one that runs a pipeline.
/// </summary>
public sealed partial class AudioDevices : IDisposable
{
    private const string Library = "portaudio";
    private const int StandardError = 2;

    static AudioDevices() => NativeLibrary.SetDllImportResolver(
        typeof(AudioDevices).Assembly,
        (name, assembly, path) => name == Library && OperatingSystem.IsLinux() && NativeLibrary.TryLoad("libportaudio.so.2", assembly, path, out var handle) ? handle : IntPtr.Zero);

    /// <summary>Starts PortAudio and lists the devices that sound can be taken from.</summary>
    /// <exception cref="InvalidAudioException">PortAudio is not installed, or can't start.</exception>
    public AudioDevices()
    {
        try
        {
            Quietly(PortAudio.Initialize);
            var first = PortAudio.DefaultInputDevice;
            All = [.. Enumerable.Range(0, Math.Max(0, PortAudio.DeviceCount)).Select(i => (Index: i, Info: PortAudio.GetDeviceInfo(i))).Where(d => d.Info.maxInputChannels > 0).Select(d => new AudioDevice(
                d.Index, HostApiName(d.Info.hostApi), d.Info.name, d.Info.maxInputChannels, d.Info.defaultSampleRate, d.Info.defaultLowInputLatency, d.Info.defaultHighInputLatency, d.Index == first))];
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

    /// <summary>The devices.</summary>
    public IReadOnlyList<AudioDevice> All { get; }

    /// <inheritdoc/>
    public void Dispose() => Quietly(PortAudio.Terminate);

    /// <summary>Does something while the standard error leads nowhere: ALSA and JACK write dozens of lines there about what they did not find.</summary>
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
