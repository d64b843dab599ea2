using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using AstStream.Streaming.Definitions;

namespace AstStream.Station.Targets;

/// <summary>A topic of an ntfy server: docs.ntfy.sh/publish.</summary>
internal sealed class NtfyTarget : INoticeTarget
{
    private static readonly Key<string?> s_url = Keys.Text("url", "The server; https://ntfy.sh by default.");
    private static readonly Key<string?> s_topic = Keys.Text(
        "topic", "The topic: letters, digits, - and _, at most 64. On a server that anybody may use, one that nobody guesses.",
        required: true);
    private static readonly Key<string?> s_token = Keys.Text("token", "An access token, best from ${env:NAME} or ${file:PATH}.");
    private static readonly Key<string?> s_user = Keys.Text("user", "A user, in place of a token.");
    private static readonly Key<string?> s_password = Keys.Text("password", "The user's password.");

    /// <summary>The type.</summary>
    public static readonly TargetType Type = new(
        "ntfy", "A topic of an ntfy server, for its app on a phone.",
        [s_url, s_topic, s_token, s_user, s_password, AttachKey.Key, .. HttpSettings.Others], Read);

    private readonly Settings _settings;
    private readonly TargetHttp _http;

    private NtfyTarget(Settings settings, TimeProvider time)
    {
        _settings = settings;
        _http = new TargetHttp(settings.Server!, time) { Prove = r => r.Headers.Authorization = settings.Authorization };
    }

    /// <inheritdoc/>
    public string Place => _http.Place;

    /// <inheritdoc/>
    public Wanted Attachments => _settings.Attachments;

    /// <inheritdoc/>
    public async Task SendAsync(Notice notice, NoticeFiles files, CancellationToken cancellation)
    {
        var attached = await files.ReadAsync(cancellation).ConfigureAwait(false);
        if (attached.Count == 0)
        {
            await _http.SendAsync("", () => new HttpRequestMessage(HttpMethod.Post, "") { Content = Message(notice) }, cancellation)
                .ConfigureAwait(false);
            return;
        }

        // A message has one file: a further one is a message of its own. Words that go with a file stand in the address.
        foreach (var (index, (name, mediaType, content)) in attached.Index())
            await FurtherFile.SendAsync(index > 0, () => _http.SendAsync(
                $"{_settings.Topic}?{(index == 0 ? Query(notice) : Query(notice with { Text = name }))}&filename={name}",
                () => new HttpRequestMessage(HttpMethod.Put, "")
                {
                    Content = new ByteArrayContent(content) { Headers = { ContentType = new MediaTypeHeaderValue(mediaType) } },
                },
                cancellation)).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private HttpContent Message(Notice notice)
    {
        var body = new JsonObject
        {
            ["topic"] = _settings.Topic,
            ["title"] = notice.Title,
            ["message"] = notice.Text,
            ["priority"] = Priority(notice),
        };
        if (notice.Link is { } link)
            body["click"] = link;
        return TargetHttp.Json(body);
    }

    private static string Query(Notice notice)
    {
        List<(string Name, string Value)> words =
        [
            ("title", notice.Title), ("message", notice.Text), ("priority", Priority(notice).ToString(CultureInfo.InvariantCulture)),
        ];
        if (notice.Link is { } link)
            words.Add(("click", link));
        return string.Join('&', words.Select(w => $"{w.Name}={Uri.EscapeDataString(w.Value)}"));
    }

    private static int Priority(Notice notice) => notice.Urgency switch
    {
        Urgency.Low => 2,
        Urgency.Normal => 3,
        Urgency.High => 4,
        _ => 5,
    };

    private static Settings Read(SectionReader section)
    {
        var topic = section.Get(s_topic) ?? "";
        if (section.Has(s_topic) && (topic.Length is 0 or > 64 || !topic.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')))
            section.Problem(s_topic, "is no topic; expected letters, digits, - and _, at most 64");
        if (section.Has(s_user) != section.Has(s_password))
            section.Problem(section.Has(s_user) ? s_user : s_password, "stands alone; expected user and password, or a token");
        AuthenticationHeaderValue? authorization = null;
        if (section.Get(s_user) is { } user && section.Get(s_password) is { } password)
            authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}")));
        if (section.Get(s_token) is { } token)
            authorization = TokenKey.IsGood(section, s_token) ? new AuthenticationHeaderValue("Bearer", token) : null;
        return new Settings(HttpSettings.Read(section, s_url, "https://ntfy.sh"), topic, authorization, AttachKey.Read(section));
    }

    private sealed record Settings(
        HttpSettings? Server, string Topic, AuthenticationHeaderValue? Authorization, Wanted Attachments) : TargetSettings
    {
        public override Peer? Peer => Server is null ? null : Peer.Of(Server.Address);

        public override INoticeTarget Build(TimeProvider time) => new NtfyTarget(this, time);
    }
}
