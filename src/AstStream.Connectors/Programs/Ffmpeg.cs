using System.Text.RegularExpressions;
using AstStream.Streaming.Telemetry;

namespace AstStream.Connectors.Programs;

/// <summary>ffmpeg as a child that decodes: whatever it is given, it gives WAV on its standard output, at the sound's own rate.</summary>
internal static partial class Ffmpeg
{
    /// <summary>What is said where it is not there.</summary>
    public const string Missing = "ffmpeg is not installed, and everything but WAV files and raw PCM needs it: apt-get install ffmpeg";

    private const int Told = 3; // lines of its errors

    /// <summary>Starts it.</summary>
    /// <param name="input">What it reads.</param>
    /// <param name="track">Which of several tracks of sound, from 0.</param>
    /// <exception cref="LinkException">It is not installed, or can't be started.</exception>
    public static async Task<ChildProcess> StartAsync(FfmpegInput input, int track)
    {
        var program = ProgramFile.Find("ffmpeg") ?? throw new LinkException(Missing) { IsFinal = true };
        ChildProcess? child = null;
        try
        {
            List<string> arguments = ["-hide_banner", "-loglevel", "error", .. input.Arguments, "-map", $"0:a:{track}", "-vn", "-sn", "-dn",
                "-c:a", "pcm_f32le", "-f", "wav", "pipe:1"];
            if (input.StandardInput is null)
                arguments.Insert(0, "-nostdin");
            child = await ChildProcess.StartAsync(program, arguments).ConfigureAwait(false);
            if (input.StandardInput is { } text)
            {
                await child.Input.WriteAsync(System.Text.Encoding.UTF8.GetBytes(text)).ConfigureAwait(false);
                await child.Input.DisposeAsync().ConfigureAwait(false);
            }

            return child;
        }
        catch (IOException e)
        {
            if (child is not null)
                await child.DisposeAsync().ConfigureAwait(false);
            throw new LinkException(e.Message);
        }
    }

    /// <summary>Its own last words, in one line; null where it said nothing.</summary>
    public static string? Words(ChildProcess child, SecretUrl url, int track)
    {
        var lines = child.LastLines(Told + 1).Where(l => !l.StartsWith("To ignore this", StringComparison.Ordinal)).TakeLast(Told)
            .Select(l => Printable.Text(
                url.Clean(Address().Replace(l, "[$1]").Replace("file:" + url.Value + ": ", "", StringComparison.Ordinal))));
        var text = string.Join("; ", lines);
        if (text.Contains("matches no streams", StringComparison.Ordinal))
            text = track > 0 ? $"there is no track {track} of sound in it; they are numbered from 0 ({text})" : $"there is no sound in it "
                + $"({text})";
        else if (text.Contains("not on whitelist", StringComparison.Ordinal))
            text = $"it is a list that leads elsewhere, or no sound: expected a file or a stream of sound; a list of segments (HLS) ends "
                + $"in .m3u8, or is said to be one by options: [-f, hls] ({text})";
        else if (text.Contains("Invalid data found", StringComparison.Ordinal) && SecretUrl.IsUrl(url.Value))
            text += "; what comes from there is no sound that ffmpeg knows: is it a web page?";
        return text.Length == 0 ? null : text;
    }

    [GeneratedRegex(@"\[([\w/:,]+) @ 0x[0-9a-f]+\]")]
    private static partial Regex Address();
}
