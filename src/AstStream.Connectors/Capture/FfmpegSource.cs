using AstStream.Connectors.Files;
using AstStream.Connectors.Programs;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Sources;

namespace AstStream.Connectors.Capture;

/// <summary>Whatever ffmpeg can read: network streams, which are live, and files of any format, which can wait.</summary>
internal static class FfmpegSource
{
    private static readonly Key<string?> Url = Keys.Text(
        "url", "What ffmpeg is to read: rtsp://, http(s):// (Icecast, HLS too), or the path of a file, relative to this file. User, "
            + "password and query are never shown.", required: true);
    private static readonly Key<bool?> Live = Keys.OptionalFlag(
        "live", "Whether it can't wait and is to be opened again when it ends; true by default for a URL, false for a file.");
    private static readonly Key<string> Transport = Keys.Choice(
        "rtsp_transport", "How RTSP brings its packets; tcp by default, which loses none.", "tcp", "tcp", "udp");
    private static readonly Key<int> Track = Keys.Integer("track", "Which of several tracks of sound, from 0; 0 by default.", 0, 0, 99);
    private static readonly Key<IReadOnlyList<string>?> Options = Keys.Texts("options",
        "Further options of ffmpeg for its input, names and values in turn: [-user_agent, me]. Only options of inputs are taken.");

    /// <summary>The type as pipelines name it.</summary>
    public static readonly SourceType Type = new(
        "ffmpeg", "Reads network streams, and files of any format, through ffmpeg.",
            [Url, Live, Transport, Track, Options, .. LiveOptions.ReopenKeys], Read);

    /// <summary>A stream outside a pipeline, as one without further keys would open it.</summary>
    internal static ILiveLink Link(SecretUrl url) =>
        new FfmpegLink(url, FfmpegInput.Of(url.Value, OfStream(url, Transport.Fallback, [])), track: 0);

    /// <summary>ffmpeg's options for a stream: of a camera only the sound is asked for, not its pictures.</summary>
    private static List<string> OfStream(SecretUrl url, string transport, List<string> options) =>
        !url.Value.StartsWith("rtsp", StringComparison.OrdinalIgnoreCase) ? options
        : ["-rtsp_transport", transport,
            .. options.Contains("-allowed_media_types") ? Array.Empty<string>() : ["-allowed_media_types", "audio"], .. options];

    private static Settings Read(SectionReader section)
    {
        var url = new SecretUrl(section.Get(Url) ?? "");
        if (url.Value.Any(char.IsControl) || url.Value.Trim() != url.Value)
            section.Problem(
                Url, "holds a line break or another control character, or a space at an end; expected a URL or a path in one line");
        var isUrl = SecretUrl.IsUrl(url.Value);
        if (isUrl && url.Value[..url.Value.IndexOf(':', StringComparison.Ordinal)] is var scheme && !FfmpegInput.Schemes.Contains(
            scheme.ToLowerInvariant()))
            section.Problem(Url, $"begins with '{scheme}://', which can't be heard{Nearest.Hint(scheme, FfmpegInput.Schemes)}");
        var options = FfmpegOptions.Read(section, Options).ToList();
        var heard = isUrl ? url : new SecretUrl(section.Resolve(url.Value));
        var settings = new Settings(
            heard, options, section.Get(Track), section.Get(SourceKeys.Channel), null, isUrl ? null : section.ResolveLinks(url.Value));
        if (!(section.Get(Live) ?? isUrl))
        {
            foreach (var key in LiveOptions.ReopenKeys.Where(section.Has))
                section.Problem(key, "is for live sources; this one reads to the end (live: false)");
            return settings;
        }

        var live = new LiveOptions
        {
            WaitsAtStart = true,
            Timeout = TimeSpan.FromSeconds(15),
            MayRepeat = url.Value.StartsWith("http", StringComparison.OrdinalIgnoreCase), // what a web server gave before a break
        }.With(section);
        return settings with
        {
            Options = OfStream(url, section.Get(Transport), options),
            Live = live with { StalledAfter = live.Timeout!.Value / 2 },
        };
    }

    /// <summary>Options of live sources for what can't wait; a file, by its path with links followed.</summary>
    private sealed record Settings(
        SecretUrl Url, IReadOnlyList<string> Options, int Track, int? Channel, LiveOptions? Live, string? File) : SourceSettings
    {
        public override IReadOnlyList<Resource> Resources => File is { } path ? [Resource.Reads(path)] : [];

        public override IReadOnlyList<Peer> Peers => File is null && Peer.Of(Url.Value) is { } peer ? [peer] : [];

        public override IAudioSource Build(PipelineDefinition pipeline) => Live is null
            ? new FileSource(this) : new LiveSource(new FfmpegLink(Url, FfmpegInput.Of(Url.Value, Options), Track), Live);
    }

    /// <summary>Reads to the end, once, as fast as the model goes.</summary>
    private sealed class FileSource(Settings settings) : IAudioSource
    {
        public string Description => $"{settings.Url.Shown}, by ffmpeg";

        public bool IsLive => false;

        public Task RunAsync(SourceOutput output, CancellationToken stop, CancellationToken cancellation) =>
            AudioFile.PlayAsync(
                () => AudioFile.OpenWithFfmpegAsync(settings.Url, settings.Options, settings.Track, settings.Channel, stop),
                new FilePlay(output.Source, TimeSpan.FromMilliseconds(100)), output, stop, cancellation);
    }
}
