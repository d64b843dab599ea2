using System.Net;
using AstStream.Station.Clips;
using AstStream.Station.Levels;
using AstStream.Station.Store;
using AstStream.Station.Web;
using AstStream.Streaming.Definitions;

namespace AstStream.Station;

/// <summary>What a pipeline says of its station: where events and clips are kept, who may look at them.</summary>
public sealed record StationSettings : SectionSettings
{
    private const string None = "none";

    private static readonly Key<string?> s_listen = Keys.Text(
        "listen", "Where the page and the API are served, as ADDRESS:PORT; 127.0.0.1:8765 by default, and none for nowhere. Any address "
            + "that others can reach needs a password or tokens.");
    private static readonly Key<string?> s_data = Keys.Text(
        "data", "The folder of the store and the clips; relative to this file. It is made where it is missing.", required: true);
    private static readonly Key<string?> s_password = Keys.Text(
        "password", "The hash of the password that the page asks for, as aststream station password prints it.");
    private static readonly Key<IReadOnlyList<string>?> s_hosts = Keys.Texts(
        "hosts", "Names by which the page is called, such as station.example.org. localhost, this machine's name and addresses are known "
            + "without it.");
    private static readonly Key<IReadOnlyList<string>?> s_proxies = Keys.Texts(
        "proxies", "Addresses of reverse proxies that are trusted to say who calls and whether by HTTPS; none by default.");

    private static readonly Key<IReadOnlyList<string>?> s_read = Keys.Texts("read", "Tokens of programs that may read.");
    private static readonly Key<IReadOnlyList<string>?> s_review = Keys.Texts("review", "Tokens of those that may review events besides.");
    private static readonly Key<IReadOnlyList<string>?> s_admin = Keys.Texts("admin", "Tokens of those that may change settings besides.");
    private static readonly Key<SectionReader?> s_tokens = Keys.Nested(
        "tokens", "What programs send as 'Authorization: Bearer TOKEN', by what they may do; of at least 16 characters each, best from "
            + "${env:NAME} or ${file:PATH}.", s_read, s_review, s_admin);

    private static readonly Key<TimeSpan?> s_pre = Keys.Duration(
        "pre", "Sound before an event's onset; 3s by default.", TimeSpan.Zero, TimeSpan.FromSeconds(60));
    private static readonly Key<TimeSpan?> s_post = Keys.Duration(
        "post", "Sound after its offset; 3s by default.", TimeSpan.Zero, TimeSpan.FromSeconds(60));
    private static readonly Key<TimeSpan?> s_max = Keys.Duration(
        "max", "The longest clip; 60s by default.", TimeSpan.FromSeconds(1), TimeSpan.FromHours(1));
    private static readonly Key<IReadOnlyList<string>?> s_labels = Keys.Texts(
        "labels", "The labels, or views, whose events get clips, those below them included; all by default.");
    private static readonly Key<string> s_format = Keys.Choice(
        "format", "flac (the default; wav where libsndfile is missing), wav, or none for no clips.", "flac", "flac", "wav", None);
    private static readonly Key<long?> s_memory = Keys.Size(
        "memory", "The most memory for the last sound of all streams, from which clips are cut; 650MB by default. When it is full, the "
            + "oldest sound goes.", 1_000_000, 1_000_000_000_000);
    private static readonly Key<SectionReader?> s_clips = Keys.Nested(
        "clips", "The sound of events, kept in files.", s_pre, s_post, s_max, s_labels, s_format, s_memory);

    private static readonly Key<IReadOnlyList<string>?> s_private = Keys.Texts(
        "labels", "Labels, or views, whose sound is not kept, those below them included.", required: true);
    private static readonly Key<double?> s_privateThreshold = Keys.Number(
        "threshold", "The score from which such a label counts; 0.5 by default, and never more than the label's own threshold.", 0, 1);
    private static readonly Key<SectionReader?> s_privacy = Keys.Nested(
        "privacy", "Sound that no file may hold: such events are kept without a clip, and in other events' clips every window that scores "
            + "such a label, or could not be scored, is silence. Clips are written some seconds later for it.", s_private,
        s_privateThreshold);

    private static readonly Key<string> s_levels = Keys.Choice(
        "levels", "What is measured of each stream by minute: bands (the default: LAeq, LCpeak, LA10, LA90 and one-third-octave bands), "
            + "overall (without bands), or none.", "bands", "bands", "overall", None);

    private static readonly Key<TimeSpan?> s_eventAge = Keys.Duration(
        "events", "How long events and coverage are kept; 1y by default. Reviewed events and counts by day stay.", TimeSpan.FromHours(1),
        TimeSpan.FromDays(36_500));
    private static readonly Key<TimeSpan?> s_clipAge = Keys.Duration(
        "clips", "How long clips are kept that nobody reviewed or pinned; 30d by default.", TimeSpan.FromMinutes(1),
        TimeSpan.FromDays(36_500));
    private static readonly Key<TimeSpan?> s_levelAge = Keys.Duration(
        "levels", "How long levels are kept; 90d by default.", TimeSpan.FromHours(1), TimeSpan.FromDays(36_500));
    private static readonly Key<long?> s_size = Keys.Size(
        "size", "What all clips may take; 20GB by default. Then the oldest go, reviewed ones after the others, pinned ones last.",
        1_000_000, 1_000_000_000_000_000);
    private static readonly Key<long?> s_free = Keys.Size(
        "free", "What is to stay free on the disk; 1GB by default. Then clips go as with size, and new ones are left out; events are not.",
        0, 1_000_000_000_000_000);
    private static readonly Key<SectionReader?> s_retention = Keys.Nested(
        "retention", "How much is kept, and how long.", s_eventAge, s_clipAge, s_levelAge, s_size, s_free);

    /// <summary>The section as pipelines name it.</summary>
    public static readonly SectionType Type = new(
        HealthApi.StationSink, "Keeps events and their sound in a folder, and serves a page and an API for them.",
        [s_listen, s_data, s_password, s_tokens, s_hosts, s_proxies, s_clips, s_privacy, s_levels, s_retention],
        Read);

    /// <summary>The folder.</summary>
    public required string Data { get; init; }

    /// <summary>Where the page is served, and to whom; null for nowhere.</summary>
    internal WebOptions? Web { get; init; }

    /// <summary>Where this machine reaches the page; null for nowhere.</summary>
    public Uri? Address => Web?.Address is not { } at ? null
        : new UriBuilder(Uri.UriSchemeHttp, (at.Address.Equals(IPAddress.Any) ? IPAddress.Loopback
            : at.Address.Equals(IPAddress.IPv6Any) ? IPAddress.IPv6Loopback : at.Address).ToString(), at.Port).Uri;

    /// <summary>The token with the most rights; null where there is none.</summary>
    public string? Token => Web?.Tokens.OrderByDescending(t => t.Value).Select(t => t.Key).FirstOrDefault();

    /// <summary>How clips are cut; null for none.</summary>
    internal ClipOptions? Clips { get; init; }

    /// <summary>The most memory for the last sound.</summary>
    internal long Memory { get; init; }

    /// <summary>The labels that get clips; null for all.</summary>
    internal IReadOnlyList<string>? ClipLabels { get; init; }

    /// <summary>The labels whose sound is not kept.</summary>
    internal IReadOnlyList<string> PrivateLabels { get; init; } = [];

    internal TimeSpan EventAge { get; init; }

    internal TimeSpan ClipAge { get; init; }

    /// <summary>What is measured of each stream.</summary>
    internal LevelDetail Levels { get; init; }

    internal TimeSpan LevelAge { get; init; }

    internal long Size { get; init; }

    internal long Free { get; init; }

    /// <summary>The store.</summary>
    public string StorePath => Path.Combine(Data, StoreFile.Name);

    /// <summary>The folder of clips.</summary>
    public string ClipPath => Path.Combine(Data, ClipFolder.Name);

    /// <inheritdoc/>
    public override IReadOnlyList<Resource> Resources => Data.Length > 0 ? [Resource.Writes(StorePath)] : [];

    /// <inheritdoc/>
    public override IReadOnlyList<LabelClaim> Labels => Claims;

    private IReadOnlyList<LabelClaim> Claims { get; init; } = [];

    private static StationSettings Read(SectionReader section)
    {
        var (clips, privacy, retention) = (section.Get(s_clips), section.Get(s_privacy), section.Get(s_retention));
        var format = clips?.Get(s_format) ?? s_format.Fallback;
        var options = new ClipOptions();
        options = options with
        {
            Pre = clips?.Get(s_pre) ?? options.Pre,
            Post = clips?.Get(s_post) ?? options.Post,
            Max = clips?.Get(s_max) ?? options.Max,
            Format = format == "wav" ? ClipFormat.Wav : ClipFormat.Flac,
            PrivateThreshold = (float)(privacy?.Get(s_privateThreshold) ?? options.PrivateThreshold),
        };
        if (options.Max < options.Pre + options.Post)
            clips!.Problem(s_max, "is shorter than pre and post together; expected more, so that an event has room between them");
        return new StationSettings
        {
            Data = section.Get(s_data) is { } data ? section.ResolveLinks(data) : "",
            Web = ReadWeb(section),
            Clips = format == None ? null : options,
            Memory = clips?.Get(s_memory) ?? 650_000_000,
            ClipLabels = clips?.Get(s_labels),
            PrivateLabels = privacy?.Get(s_private) ?? [],
            EventAge = retention?.Get(s_eventAge) ?? TimeSpan.FromDays(365),
            ClipAge = retention?.Get(s_clipAge) ?? TimeSpan.FromDays(30),
            Levels = section.Get(s_levels) switch
            {
                None => LevelDetail.None,
                "overall" => LevelDetail.Overall,
                _ => LevelDetail.Bands,
            },
            LevelAge = retention?.Get(s_levelAge) ?? TimeSpan.FromDays(90),
            Size = retention?.Get(s_size) ?? 20_000_000_000,
            Free = retention?.Get(s_free) ?? 1_000_000_000,
            Claims = [.. new[] { clips?.Labels(s_labels), privacy?.Labels(s_private) }.OfType<LabelClaim>()],
        };
    }

    private static WebOptions? ReadWeb(SectionReader section)
    {
        var listen = section.Get(s_listen) ?? WebOptions.DefaultListen;
        var isNowhere = !WebOptions.TryParse(listen, out var address);
        if (isNowhere && listen != None)
            section.Problem(
                s_listen, $"found '{listen}'; expected ADDRESS:PORT such as {WebOptions.DefaultListen} or 0.0.0.0:8765, or none");
        var tokens = new Dictionary<string, Right>(StringComparer.Ordinal);
        foreach (var (key, right) in ((Key<IReadOnlyList<string>?>, Right)[])
            [(s_read, Right.Read), (s_review, Right.Review), (s_admin, Right.Admin)])
        {
            foreach (var token in section.Get(s_tokens)?.Get(key) ?? [])
            {
                if (token.Length < WebOptions.LeastToken)
                    section.Get(s_tokens)!.Problem(
                        key, $"a token of {token.Length} characters; expected at least {WebOptions.LeastToken}: openssl rand -hex 16");
                if (!tokens.TryAdd(token, right))
                    section.Get(s_tokens)!.Problem(key, "a token stands in two places; expected each once");
            }
        }

        var password = section.Get(s_password);
        if (password is not null && !Password.IsHash(password))
            section.Problem(s_password, "is no hash of a password; expected what aststream station password prints");
        if (!isNowhere && !IPAddress.IsLoopback(address.Address) && password is null && tokens.Count == 0)
            section.Problem(
                s_listen, $"{listen} can be reached by others; expected a password (aststream station password makes its hash) or tokens "
                    + "beside it, or 127.0.0.1");
        var proxies = new List<IPAddress>();
        foreach (var proxy in section.Get(s_proxies) ?? [])
        {
            if (IPAddress.TryParse(proxy, out var known))
                proxies.Add(known);
            else
                section.Problem(s_proxies, $"found '{proxy}'; expected IP addresses");
        }

        foreach (var host in (section.Get(s_hosts) ?? []).Where(h => Uri.CheckHostName(h) == UriHostNameType.Unknown))
            section.Problem(s_hosts, $"found '{host}'; expected names without a scheme or a port, such as station.example.org");
        return isNowhere ? null : new WebOptions(address)
        {
            PasswordHash = password,
            Tokens = tokens,
            Hosts = section.Get(s_hosts) ?? [],
            Proxies = proxies,
        };
    }
}
