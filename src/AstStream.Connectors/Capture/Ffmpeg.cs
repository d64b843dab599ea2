using System.Text.RegularExpressions;
using AstStream.Streaming;

namespace AstStream.Connectors.Capture;

/// <summary>ffmpeg as a child that decodes: whatever it is given, it gives WAV on its standard output, at the sound's own rate.</summary>
internal static partial class Ffmpeg
{
    /// <summary>What is said where it is not there.</summary>
    public const string Missing = "ffmpeg is not installed, and everything but WAV files and raw PCM needs it: apt-get install ffmpeg";

    private const int Told = 3; // lines of its errors

    // A rate out of our range goes to the nearest one of these; any other is left alone.
    private const string Rates = "8000|11025|12000|16000|22050|24000|32000|44100|48000|64000|88200|96000|176400|192000";

    /// <summary>Starts it.</summary>
    /// <param name="input">A URL, or file: and a path.</param>
    /// <param name="options">Options before the input.</param>
    /// <param name="track">Which of several tracks of sound, from 0.</param>
    /// <exception cref="LinkException">It is not installed, or can't be started.</exception>
    public static async Task<ChildProcess> StartAsync(string input, IEnumerable<string> options, int track)
    {
        var program = ChildProcess.Find("ffmpeg") ?? throw new LinkException(Missing) { IsFinal = true };
        try
        {
            return await ChildProcess.StartAsync(
                program,
                ["-nostdin", "-hide_banner", "-loglevel", "error", .. options, "-i", input, "-map", $"0:a:{track}", "-vn", "-sn", "-dn",
                    "-af", $"aformat=sample_rates={Rates}", "-c:a", "pcm_f32le", "-f", "wav", "pipe:1"]).ConfigureAwait(false);
        }
        catch (IOException e)
        {
            throw new LinkException(e.Message);
        }
    }

    /// <summary>Its own last words, in one line; null where it said nothing.</summary>
    public static string? Words(ChildProcess child, SecretUrl url)
    {
        var lines = child.LastLines(Told + 1).Where(l => !l.StartsWith("To ignore this", StringComparison.Ordinal)).TakeLast(Told)
            .Select(l => Printable.Text(url.Clean(Address().Replace(l, "[$1]").Replace("file:" + url.Value + ": ", "", StringComparison.Ordinal))));
        var text = string.Join("; ", lines);
        if (text.Contains("matches no streams", StringComparison.Ordinal))
            text = "there is no sound in it (" + text + ")";
        return text.Length == 0 ? null : text;
    }

    [GeneratedRegex(@"\[([\w/:,]+) @ 0x[0-9a-f]+\]")]
    private static partial Regex Address();
}

/// <summary>A network stream, as ffmpeg hears it.</summary>
internal sealed class FfmpegLink(SecretUrl url, IReadOnlyList<string> options, int track) : ILiveLink
{
    public string Description => url.Shown;

    public bool CanReopen => true;

    public async Task<LiveConnection> OpenAsync(TimeSpan? patience, CancellationToken cancellation)
    {
        var child = await Ffmpeg.StartAsync(url.Value, options, track).ConfigureAwait(false);
        return await ChildConnection.OpenAsync(child, url.Shown, PcmFraming.Wav, patience, what => WhyAsync(child, what), takesLeave: true, cancellation).ConfigureAwait(false);
    }

    private async Task<LinkException> WhyAsync(ChildProcess child, string what)
    {
        await child.EndedAsync().ConfigureAwait(false);
        var words = Ffmpeg.Words(child, url);

        // Of an RTSP server that hangs up it says "invalid data" too.
        var isGarbage = words?.Contains("no sound in it", StringComparison.Ordinal) == true
            || (words?.Contains("Invalid data", StringComparison.Ordinal) == true && !url.Value.StartsWith("rtsp", StringComparison.OrdinalIgnoreCase));
        return new LinkException(
            $"{url.Shown} {what}{(words is null ? "" : $"; ffmpeg said: {words}")}",
            isGarbage ? LossReason.DecodeError : LossReason.DeviceAway);
    }
}
