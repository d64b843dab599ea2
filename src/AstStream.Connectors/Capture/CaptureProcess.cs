using System.Buffers.Binary;
using System.Runtime.InteropServices;
using AstStream.Connectors.Programs;
using AstStream.Dsp;
using AstStream.Streaming.Clocks;

namespace AstStream.Connectors.Capture;

/// <summary>
/// The program as the child that captures one device: it writes records of PCM to its standard output until its parent closes its standard
/// input, or the device is gone. Whatever a sound server's death does to the libraries in it, this process ends and the pipeline's goes on.
/// </summary>
public static partial class CaptureProcess
{
    /// <summary>The first argument that makes the program this child.</summary>
    public const string Command = "capture";

    /// <summary>The exit code where trying again can't help.</summary>
    internal const int Final = 2;

    private const int LongestRecord = 1 << 20; // bytes
    private const string ErrorPrefix = "error: ";
    private static readonly TimeSpan s_looking = TimeSpan.FromSeconds(3); // between looks whether a server's source is there
    private static readonly TimeSpan s_silence = TimeSpan.FromSeconds(1); // without a callback, after which PortAudio is asked

    /// <summary>Whether the program was started as this child.</summary>
    public static bool IsMeant(string[] arguments) => arguments is [Command, "--", ..];

    /// <summary>Captures until asked to stop. Never returns: the process ends here, past what native libraries do at an end.</summary>
    public static void Run(string[] arguments)
    {
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, c => c.Cancel = true);
        new Thread(WatchParent) { IsBackground = true, Name = "parent watch" }.Start();
        try
        {
            Capture(CaptureArguments.Parse(arguments[2..]));
            Exit(0);
        }
        catch (LinkException e)
        {
            End(e.Message, e.IsFinal ? Final : 1);
        }
        catch (InvalidAudioException e)
        {
            End(e.Message, Final);
        }
        catch (IOException)
        {
            Exit(0); // nobody listens any more
        }
        catch (Exception e)
        {
            End($"{e.GetType().Name}: {e.Message}", 1);
        }
    }

    /// <summary>The error among what a child said; null where it said none.</summary>
    internal static string? ErrorOf(ChildProcess child) =>
        child.LastLines(int.MaxValue).LastOrDefault(l => l.StartsWith(ErrorPrefix, StringComparison.Ordinal))?[ErrorPrefix.Length..];

    private static void Capture(CaptureArguments arguments)
    {
        using var devices = new AudioDevices();
        var device = arguments.Choice.Pick(devices.All);
        AudioDevices.Choose(device);
        DeviceCapture? opened = null;
        LinkException? refused = null;
        AudioDevices.Quietly(() =>
        {
            try
            {
                opened = new DeviceCapture(device, arguments.Channels, arguments.LeastChannels, arguments.SampleRate, arguments.Latency);
            }
            catch (LinkException e)
            {
                refused = e;
            }
        });
        using var capture = opened ?? throw refused!;
        if (device.ServerSource is { } source)
            new Thread(() => WatchSource(device, source)) { IsBackground = true, Name = "source watch" }.Start();
        using var output = Console.OpenStandardOutput();
        var format = capture.Format;
        var header = new byte[16];
        PcmReader.Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), (uint)format.SampleRate);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(12), (ushort)format.Channels);
        BinaryPrimitives.WriteUInt16LittleEndian(header.AsSpan(14), (ushort)format.Encoding);
        output.Write(header);

        var record = new byte[16 + (Math.Max(1, Math.Min(format.SampleRate, LongestRecord / format.BytesPerFrame)) * format.BytesPerFrame)];
        var last = TimeProvider.System.GetTimestamp();

        // One thread that sleeps: the thread pool's would spin a while after every wake-up.
        using var never = new ManualResetEvent(initialState: false);
        while (!never.WaitOne(arguments.Latency / 2))
        {
            int count;
            while ((count = capture.Read(MemoryMarshal.Cast<byte, float>(record.AsSpan(16)), out var isBreak, out var age)) > 0)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(record, (uint)(count * sizeof(float)));
                BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(4), PcmReader.BootTimeFlag | (isBreak ? PcmReader.BreakFlag : 0));
                BinaryPrimitives.WriteInt64LittleEndian(
                    record.AsSpan(8), BootClock.Instance.GetTimestamp() - (age.Ticks * TimeSpan.NanosecondsPerTick));
                output.Write(record, 0, 16 + (count * sizeof(float)));
                last = TimeProvider.System.GetTimestamp();
            }

            if (TimeProvider.System.GetElapsedTime(last) > s_silence && !capture.IsActive)
                End($"'{device}' has stopped: it was unplugged, or its sound server ended", 1); // at once: closing it may hang
        }
    }

    /// <summary>A sound server whose source goes gives another one in its place, and says nothing: then this ends.</summary>
    private static void WatchSource(AudioDevice device, string source)
    {
        using var never = new ManualResetEvent(initialState: false);
        while (!never.WaitOne(s_looking))
        {
            if (SoundServer.Has(source) == false)
                End($"'{device}' has gone: it was unplugged", 1);
        }
    }

    private static void WatchParent()
    {
        using var input = Console.OpenStandardInput();
        Span<byte> nothing = stackalloc byte[16];
        while (input.Read(nothing) > 0)
        {
            // Nothing is said; the end is what counts.
        }

        Exit(0); // whatever the other threads hang in
    }

    private static void End(string message, int code)
    {
        Console.Error.WriteLine(ErrorPrefix + message.ReplaceLineEndings(" "));
        Console.Error.Flush();
        Exit(code);
    }

    private static void Exit(int code)
    {
        if (OperatingSystem.IsLinux())
            ExitNow(code);
        Environment.Exit(code);
    }

    [LibraryImport("libc", EntryPoint = "_exit")]
    private static partial void ExitNow(int code);
}
