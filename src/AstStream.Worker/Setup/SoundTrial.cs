using System.Globalization;
using AstStream.Connectors.Capture;
using AstStream.Connectors.Programs;
using AstStream.Dsp;

namespace AstStream.Worker.Setup;

/// <summary>Some seconds of a source: recorded, measured, and played back where a player is at hand.</summary>
internal static class SoundTrial
{
    private const double Seconds = 5;
    private const float Faint = -60; // dBFS: nothing but noise

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(Seconds + 5);
    private static readonly (string Program, string[] Arguments)[] s_players =
        [("pw-play", []), ("paplay", []), ("aplay", ["-q"]), ("ffplay", ["-nodisp", "-autoexit", "-loglevel", "quiet"])];

    /// <summary>Records, and says how loud it was.</summary>
    /// <param name="device">The microphone; null for an address.</param>
    /// <param name="url">The address.</param>
    /// <param name="path">The WAV file that is written.</param>
    /// <param name="stop">Ends it.</param>
    /// <returns>Whether there was sound.</returns>
    public static async Task<bool> RecordAsync(DeviceChoice? device, string? url, string path, CancellationToken stop)
    {
        using var progress = new ProgressLine("listening", (long)(Seconds * 10));
        var loudest = SignalMeter.FloorDb;
        void Heard(double now, SignalMeter meter)
        {
            progress.Report((long)(now * 10));
            loudest = Math.Max(loudest, meter.PeakDb);
        }

        double recorded;
        try
        {
            (recorded, _) = device is null
                ? await DeviceListener.RecordAsync(url!, path, Seconds, Heard, stop).ConfigureAwait(false)
                : await DeviceListener.RecordAsync(device, path, Seconds, Heard, stop).ConfigureAwait(false);
        }
        catch (InvalidAudioException e)
        {
            progress.Clear();
            Errors.Write(e.Message);
            return false;
        }

        progress.Clear();
        Terminal.Status(string.Create(CultureInfo.InvariantCulture, $"heard {recorded:0.0} s, peak {loudest:0} dBFS") + (loudest switch
        {
            <= SignalMeter.FloorDb => ": nothing but zeros; is it muted?",
            < Faint => ": very faint; is the right one chosen, and turned up?",
            _ => "",
        }));
        return recorded > 0;
    }

    /// <summary>Plays a file.</summary>
    /// <returns>False where no player is at hand, or it fails.</returns>
    public static async Task<bool> PlayAsync(string path, CancellationToken stop)
    {
        foreach (var (program, arguments) in s_players)
        {
            if (await SystemProgram.RunAsync(program, [.. arguments, path], s_patience, stop).ConfigureAwait(false) is { Code: 0 })
                return true;
        }

        return false;
    }
}
