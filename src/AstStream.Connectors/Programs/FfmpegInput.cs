using System.Globalization;
using System.Text;

namespace AstStream.Connectors.Programs;

/// <summary>
/// What ffmpeg is given to read: the arguments before its output, and what it reads from its standard input. It may use the protocols of
/// its kind of input and no others, and only formats that hold sound themselves: a playlist that calls itself a song must not open other
/// files, nor make requests.
/// </summary>
/// <param name="Arguments">Its arguments, the input included.</param>
/// <param name="StandardInput">What it reads from its standard input; null for nothing.</param>
internal sealed record FfmpegInput(IReadOnlyList<string> Arguments, string? StandardInput)
{
    private const string Playlist = "hls";

    // Formats that hold sound, by ffmpeg's names. None of these leads to another file.
    private const string Formats =
        "aac,ac3,act,adp,adx,aea,aiff,amr,amrnb,amrwb,ape,apm,aptx,aptx_hd,asf,ast,au,avi,caf,codec2,dff,iff,dsf,dsicin,"
        + "dts,dtshd,eac3,epaf,flac,flv,live_flv,g722,g726,g726le,g729,gsm,hcom,iff,ilbc,ircam,loas,lmlm4,matroska,webm,"
        + "mlp,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpc,mpc8,mpeg,mpegts,mpegtsraw,mtaf,mxf,mxg,nist,nistsphere,nsp,nut,nsv,oggs,"
        + "ogg,oma,pvf,qcp,r3d,rm,rso,sbc,sds,sf,shn,sln,sol,sox,spdif,svs,tak,thp,tak,truehd,tta,vag,voc,vqf,w64,wav,wtv,"
        + "wv,wve,xa,xwma";

    // Options whose values are nobody's business.
    private static readonly string[] s_secret = ["-headers", "-cookies", "-passphrase", "-rtmp_conn", "-rtmp_playpath", "-streamid"];

    // What each kind of address may use besides itself.
    private static readonly Dictionary<string, (string Protocols, string Formats)> s_schemes = new(StringComparer.OrdinalIgnoreCase)
    {
        ["http"] = ("http,https,httpproxy,tcp,tls", ""),
        ["https"] = ("https,http,httpproxy,tcp,tls", ""),
        ["rtsp"] = ("rtsp,rtp,srtp,udp,tcp,tls,http,httpproxy", "rtsp,rtp,sdp,rdt"),
        ["rtsps"] = ("rtsps,rtsp,rtp,srtp,udp,tcp,tls", "rtsp,rtp,sdp,rdt"),
        ["rtmp"] = ("rtmp,tcp", ""),
        ["rtmps"] = ("rtmps,rtmp,tls,tcp", ""),
        ["rtmpt"] = ("rtmpt,ffrtmphttp,http,tcp", ""),
        ["rtmpe"] = ("rtmpe,ffrtmpcrypt,tcp", ""),
        ["rtp"] = ("rtp,udp", "rtp,sdp"),
        ["udp"] = ("udp", ""),
        ["tcp"] = ("tcp", ""),
        ["srt"] = ("srt", ""),
        ["mms"] = ("mmst,mmsh,http,tcp", ""),
        ["mmsh"] = ("mmsh,http,tcp", ""),
        ["mmst"] = ("mmst,tcp", ""),
        ["ftp"] = ("ftp,tcp", ""),
        ["sftp"] = ("sftp", ""),
    };

    /// <summary>The kinds of address that can be heard.</summary>
    public static IReadOnlyCollection<string> Schemes => s_schemes.Keys;

    /// <summary>The input for a file or a URL.</summary>
    /// <param name="url">The URL, or the full path of a file.</param>
    /// <param name="options">Further options, names and values in turn; checked by <see cref="FfmpegOptions"/>.</param>
    public static FfmpegInput Of(string url, IReadOnlyList<string> options)
    {
        if (!SecretUrl.IsUrl(url))
            return new FfmpegInput([.. options, "-protocol_whitelist", "file", "-format_whitelist", Formats, "-i", "file:" + url], null);
        var scheme = url[..url.IndexOf(':', StringComparison.Ordinal)];
        var (protocols, formats) = s_schemes.GetValueOrDefault(scheme, (scheme, ""));
        formats = formats.Length > 0 ? $"{Formats},{formats}" : Formats;
        if (IsPlaylist(url, options))
            (protocols, formats) = ($"{protocols},crypto,data", $"{formats},{Playlist}");
        if (!new SecretUrl(url).HasSecrets && !options.Any(s_secret.Contains))
            return new FfmpegInput([.. options, "-protocol_whitelist", protocols, "-format_whitelist", formats, "-i", url], null);

        // Arguments can be read by every user of the machine: an address with a secret in it comes by a list on a pipe.
        var list = new StringBuilder("ffconcat version 1.0\n").Append(CultureInfo.InvariantCulture, $"file {Quoted(url)}\n");
        for (var i = 0; i + 1 < options.Count; i += 2)
            list.Append(CultureInfo.InvariantCulture, $"option {options[i].TrimStart('-')} {Quoted(options[i + 1].TrimEnd('\r', '\n'))}\n");
        return new FfmpegInput(["-protocol_whitelist", $"{protocols},pipe", "-format_whitelist", $"{formats},concat", "-f", "concat",
            "-safe", "0", "-i", "pipe:0"], list.ToString());
    }

    /// <summary>The input for a file that this process holds open.</summary>
    public static FfmpegInput OfDescriptor(int descriptor) => new(
        [
            "-protocol_whitelist", "file", "-format_whitelist", Formats,
            "-i", string.Create(CultureInfo.InvariantCulture, $"file:/proc/{Environment.ProcessId}/fd/{descriptor}"),
        ],
        null);

    /// <summary>Whether a format may be asked for by name.</summary>
    public static bool IsFormat(string name) => name == Playlist || Formats.Split(',').Contains(name);

    /// <summary>
    /// Whether a list of segments (HLS) is meant: its name says so, or the options do. What only turns out to be one is not followed.
    /// </summary>
    private static bool IsPlaylist(string url, IReadOnlyList<string> options)
    {
        var path = url.Split('?', '#')[0];
        if (path.EndsWith(".m3u8", StringComparison.OrdinalIgnoreCase) || path.EndsWith(".m3u", StringComparison.OrdinalIgnoreCase))
            return true;
        for (var i = 0; i + 1 < options.Count; i += 2)
        {
            if (options[i] == "-f" && options[i + 1] == Playlist)
                return true;
        }

        return false;
    }

    /// <summary>A word as ffmpeg's lists write it.</summary>
    private static string Quoted(string text) => "'" + text.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}
