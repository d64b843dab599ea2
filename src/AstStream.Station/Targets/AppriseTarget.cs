using System.Text.Json.Nodes;
using AstStream.Streaming.Definitions;

namespace AstStream.Station.Targets;

/// <summary>An Apprise API server, which passes notifications on to services of any kind: github.com/caronc/apprise-api.</summary>
internal sealed class AppriseTarget : INoticeTarget
{
    private static readonly Key<string?> s_url = Keys.Text("url", "The server, such as http://localhost:8000.", required: true);
    private static readonly Key<string?> s_key = Keys.Text("key", "The configuration that the server keeps under this key; or urls.");
    private static readonly Key<IReadOnlyList<string>?> s_urls = Keys.Texts(
        "urls", "Apprise's own addresses of services, such as discord://…, in place of key.");
    private static readonly Key<string?> s_tag = Keys.Text("tag", "The tag of the services that get it; all by default. Goes with key.");

    /// <summary>The type.</summary>
    public static readonly TargetType Type = new(
        "apprise", "An Apprise API server, which passes notifications on to a hundred services.",
        [s_url, s_key, s_urls, s_tag, AttachKey.Key, .. HttpSettings.Others], section =>
        {
            if (section.Has(s_key) == section.Has(s_urls))
                section.Problem(section.Has(s_key) ? s_urls : s_url, "expected one of key and urls");
            return new Settings(HttpSettings.Read(section, s_url), section.Get(s_key), section.Get(s_urls) ?? [], section.Get(s_tag),
                AttachKey.Read(section));
        });

    private readonly Settings _settings;
    private readonly TargetHttp _http;

    private AppriseTarget(Settings settings, TimeProvider time) =>
        (_settings, _http) = (settings, new TargetHttp(settings.Server!, time)
        {
            Follows = settings.Urls.Count == 0, // they hold the services' tokens
            Object = code => code switch
            {
                204 => ("it has no configuration under this key, or none of the tag", false),
                424 => ("some of the services did not take it", true), // those that did would get it again
                _ => null,
            },
        });

    /// <inheritdoc/>
    public string Place => _http.Place;

    /// <inheritdoc/>
    public Wanted Attachments => _settings.Attachments;

    /// <inheritdoc/>
    public async Task SendAsync(Notice notice, NoticeFiles files, CancellationToken cancellation)
    {
        var attached = await files.ReadAsync(cancellation).ConfigureAwait(false);
        List<(string Name, string Value)> fields =
        [
            ("title", notice.Title), ("body", notice.Link is null ? notice.Text : $"{notice.Text}\n{notice.Link}"), ("format", "text"),
            ("type", notice.Urgency switch { Urgency.High => "warning", Urgency.Urgent => "failure", _ => "info" }),
        ];
        if (_settings.Key is null)
            fields.Add(("urls", string.Join(',', _settings.Urls)));
        if (_settings.Tag is { } tag)
            fields.Add(("tag", tag));
        HttpContent Content() => attached.Count > 0
            ? TargetHttp.Form(fields, attached.Select((f, i) => ($"file{i + 1}", f.Name, f.MediaType, f.Content)))
            : TargetHttp.Json(new JsonObject(fields.Select(f => KeyValuePair.Create(f.Name, (JsonNode?)f.Value))));
        await _http.SendAsync(
            _settings.Key is { } key ? $"notify/{Uri.EscapeDataString(key)}" : "notify",
            () => new HttpRequestMessage(HttpMethod.Post, "") { Content = Content() }, cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private sealed record Settings(HttpSettings? Server, string? Key, IReadOnlyList<string> Urls, string? Tag, Wanted Attachments)
        : TargetSettings
    {
        public override Peer? Peer => Server is null ? null : Peer.Of(Server.Address);

        public override INoticeTarget Build(TimeProvider time) => new AppriseTarget(this, time);
    }
}
