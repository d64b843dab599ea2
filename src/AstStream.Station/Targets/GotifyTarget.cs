using System.Text.Json.Nodes;
using AstStream.Streaming.Definitions;

namespace AstStream.Station.Targets;

/// <summary>An application of a Gotify server: gotify.net/docs/pushmsg. It takes no files.</summary>
internal sealed class GotifyTarget : INoticeTarget
{
    private static readonly Key<string?> s_url = Keys.Text("url", "The server, such as https://gotify.example.org.", required: true);
    private static readonly Key<string?> s_token = Keys.Text(
        "token", "The application's token, best from ${env:NAME} or ${file:PATH}.", required: true);

    /// <summary>The type.</summary>
    public static readonly TargetType Type = new(
        "gotify", "An application of a Gotify server.", [s_url, s_token, .. HttpSettings.Others], section =>
        {
            TokenKey.IsGood(section, s_token);
            return new Settings(HttpSettings.Read(section, s_url), section.Get(s_token) ?? "");
        });

    private readonly TargetHttp _http;

    private GotifyTarget(Settings settings, TimeProvider time) => _http = new TargetHttp(settings.Server!, time)
    {
        Prove = r => r.Headers.Add("X-Gotify-Key", settings.Token),
    };

    /// <inheritdoc/>
    public string Place => _http.Place;

    /// <inheritdoc/>
    public Task SendAsync(Notice notice, NoticeFiles files, CancellationToken cancellation) =>
        _http.SendAsync("message", () => new HttpRequestMessage(HttpMethod.Post, "") { Content = Message(notice) }, cancellation);

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private static HttpContent Message(Notice notice)
    {
        var body = new JsonObject
        {
            ["title"] = notice.Title,
            ["message"] = notice.Text,
            ["priority"] = notice.Urgency switch
            {
                Urgency.Low => 2,
                Urgency.Normal => 5,
                Urgency.High => 8,
                _ => 10,
            },
        };
        if (notice.Link is { } link)
            body["extras"] = new JsonObject { ["client::notification"] = new JsonObject { ["click"] = new JsonObject { ["url"] = link } } };
        return TargetHttp.Json(body);
    }

    private sealed record Settings(HttpSettings? Server, string Token) : TargetSettings
    {
        public override Peer? Peer => Server is null ? null : Peer.Of(Server.Address);

        public override INoticeTarget Build(TimeProvider time) => new GotifyTarget(this, time);
    }
}
