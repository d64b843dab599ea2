using System.Globalization;
using AstStream.Dsp;

namespace AstStream.Connectors.Capture;

/// <summary>What the capturing child is asked for.</summary>
/// <param name="Choice">The device.</param>
/// <param name="Channels">How many channels to open; the device's own where not given.</param>
/// <param name="LeastChannels">How many must be open at least.</param>
/// <param name="SampleRate">The rate; the device's own where not given.</param>
/// <param name="Latency">How much sound the device may hold back, 10 ms to 2 s.</param>
internal sealed record CaptureArguments(DeviceChoice Choice, int? Channels, int LeastChannels, int? SampleRate, TimeSpan Latency)
{
    public string[] ToArguments()
    {
        static string Text(int? number) => number?.ToString(CultureInfo.InvariantCulture) ?? "";
        return [CaptureProcess.Command, "--", Choice.Name ?? "", Choice.HostApi ?? "", Text(Choice.Index), Text(Channels),
            Text(LeastChannels), Text(SampleRate), Text((int)Latency.TotalMilliseconds)];
    }

    public static CaptureArguments Parse(string[] a)
    {
        static int? Number(string text) =>
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
        static string? Text(string text) => text.Length > 0 ? text : null;
        if (a.Length != 7)
            throw new InvalidAudioException(
                $"{CaptureProcess.Command} is for the program itself; expected aststream record, or a pipeline with a source of type "
                    + $"microphone");
        return new CaptureArguments(
            new DeviceChoice(Text(a[0]), Text(a[1]), Number(a[2])), Number(a[3]), Number(a[4]) ?? 1, Number(a[5]),
                TimeSpan.FromMilliseconds(Math.Clamp(Number(a[6]) ?? 100, 10, 2000)));
    }
}
