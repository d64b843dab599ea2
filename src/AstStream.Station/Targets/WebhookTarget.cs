using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using AstStream.Events.Json;
using AstStream.Streaming.Definitions;

namespace AstStream.Station.Targets;

/// <summary>
/// A program that takes CloudEvents 1.0 over HTTP (structured), signed as Standard Webhooks 1.0 says: HMAC-SHA256 of id, time and body.
/// </summary>
internal sealed class WebhookTarget : INoticeTarget
{
    private const string SecretPrefix = "whsec_";

    private static readonly Key<string?> s_url = Keys.Text("url", "Where it is sent, by POST.", required: true);
    private static readonly Key<string?> s_secret = Keys.Text(
        "secret", "What requests are signed with: whsec_ and base64, or any text of at least 16 characters, best from ${env:NAME} or "
            + "${file:PATH}. Without it they are not signed.");
    private static readonly Key<string?> s_token = Keys.Text("token", "What is sent as 'Authorization: Bearer TOKEN'.");
    private static readonly Key<string?> s_source = Keys.Text("source", "The CloudEvents attribute source; aststream by default.");

    /// <summary>The type.</summary>
    public static readonly TargetType Type = new(
        "webhook", "A program of yours: a CloudEvent for each notification, whose data is the event's record as in Kafka; title, text, "
            + "urgency and link are attributes.",
        [s_url, s_secret, s_token, s_source, .. HttpSettings.Others], Read);

    private readonly Settings _settings;
    private readonly TimeProvider _time;
    private readonly TargetHttp _http;

    private WebhookTarget(Settings settings, TimeProvider time)
    {
        (_settings, _time) = (settings, time);
        _http = new TargetHttp(settings.Server!, time)
        {
            Prove = r => r.Headers.Authorization = settings.Token is { } token ? new AuthenticationHeaderValue("Bearer", token) : null,
        };
    }

    /// <inheritdoc/>
    public string Place => _http.Place;

    /// <inheritdoc/>
    public Task SendAsync(Notice notice, NoticeFiles files, CancellationToken cancellation)
    {
        var body = Body(notice);
        return _http.SendAsync("", () => Request(notice, body), cancellation);
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private HttpRequestMessage Request(Notice notice, byte[] body)
    {
        var time = _time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var request = new HttpRequestMessage(HttpMethod.Post, "")
        {
            Content = new ByteArrayContent(body)
            {
                Headers = { ContentType = new MediaTypeHeaderValue("application/cloudevents+json", "utf-8") },
            },
        };
        request.Headers.Add("webhook-id", notice.Id);
        request.Headers.Add("webhook-timestamp", time);
        if (_settings.Secret is { } secret)
        {
            byte[] signed = [.. Encoding.UTF8.GetBytes($"{notice.Id}.{time}."), .. body];
            request.Headers.Add("webhook-signature", $"v1,{Convert.ToBase64String(HMACSHA256.HashData(secret, signed))}");
        }

        return request;
    }

    private byte[] Body(Notice notice) => JsonText.Bytes(json =>
    {
        json.WriteStartObject();
        json.WriteString("specversion", "1.0");
        json.WriteString("id", notice.Id);
        json.WriteString("source", _settings.Source);
        json.WriteString("type", notice.Type);
        if (notice.Subject is { } subject)
            json.WriteString("subject", subject);
        json.WriteString("time", notice.Time.UtcDateTime);
        json.WriteString("datacontenttype", "application/json");
        json.WriteString("title", notice.Title);
        json.WriteString("text", notice.Text);
        json.WriteString("urgency", notice.Urgency.ToString().ToLowerInvariant());
        if (notice.Link is { } link)
            json.WriteString("link", link);
        json.WritePropertyName("data");
        json.WriteRawValue(notice.Data);
        json.WriteEndObject();
    });

    private static Settings Read(SectionReader section)
    {
        const int shortest = 16;
        byte[]? secret = null;
        if (section.Get(s_secret) is { } text)
        {
            secret = Encoding.UTF8.GetBytes(text);
            if (text.StartsWith(SecretPrefix, StringComparison.Ordinal))
            {
                secret = new byte[text.Length];
                if (Convert.TryFromBase64String(text[SecretPrefix.Length..], secret, out var length))
                    secret = secret[..length];
                else
                    section.Problem(s_secret, $"begins with {SecretPrefix} and is no base64 after that; expected a secret as it was given");
            }
            else if (text.Length < shortest)
            {
                section.Problem(s_secret, $"has {text.Length} characters; expected at least {shortest}: openssl rand -hex 16");
            }
        }

        TokenKey.IsGood(section, s_token);
        return new Settings(
            HttpSettings.Read(section, s_url), secret, section.Get(s_token), section.Get(s_source) ?? "aststream");
    }

    private sealed record Settings(HttpSettings? Server, byte[]? Secret, string? Token, string Source) : TargetSettings
    {
        public override Peer? Peer => Server is null ? null : Peer.Of(Server.Address);

        public override INoticeTarget Build(TimeProvider time) => new WebhookTarget(this, time);
    }
}
