using System.Text.Json.Nodes;
using AstStream.Streaming.Definitions;

namespace AstStream.Station.Targets;

/// <summary>A chat of a Telegram bot: core.telegram.org/bots/api.</summary>
internal sealed class TelegramTarget : INoticeTarget
{
    private const int LongestCaption = 1024; // characters that go with a file
    private const int LongestText = 4096;

    private static readonly Key<string?> s_token = Keys.Text(
        "token", "The bot's token, best from ${env:NAME} or ${file:PATH}.", required: true);
    private static readonly Key<string?> s_chat = Keys.Text(
        "chat", "The chat's id, such as -1001234567890, or @name of a channel.", required: true);
    private static readonly Key<string?> s_url = Keys.Text("url", "The server; https://api.telegram.org by default.");

    /// <summary>The type.</summary>
    public static readonly TargetType Type = new(
        "telegram", "A chat of a Telegram bot.", [s_token, s_chat, s_url, AttachKey.Key, .. HttpSettings.Others], section =>
        {
            TokenKey.IsGood(section, s_token);
            return new Settings(HttpSettings.Read(section, s_url, "https://api.telegram.org"), section.Get(s_token) ?? "",
                section.Get(s_chat) ?? "", AttachKey.Read(section));
        });

    private readonly Settings _settings;
    private readonly TargetHttp _http;

    private TelegramTarget(Settings settings, TimeProvider time) =>
        (_settings, _http) = (settings, new TargetHttp(settings.Server!, time));

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
            await CallAsync("sendMessage", () => TargetHttp.Json(new JsonObject
            {
                ["chat_id"] = _settings.Chat,
                ["text"] = Cut(notice.Whole, LongestText),
                ["disable_notification"] = notice.Urgency == Urgency.Low,
            }), cancellation).ConfigureAwait(false);
            return;
        }

        foreach (var (index, (name, mediaType, content)) in attached.Index())
        {
            var isPicture = mediaType.StartsWith("image/", StringComparison.Ordinal);
            List<(string Name, string Value)> fields =
            [
                ("chat_id", _settings.Chat), ("disable_notification", index > 0 || notice.Urgency == Urgency.Low ? "true" : "false"),
            ];
            if (index == 0)
                fields.Add(("caption", Cut(notice.Whole, LongestCaption)));
            await FurtherFile.SendAsync(index > 0, () => CallAsync(
                isPicture ? "sendPhoto" : "sendDocument",
                () => TargetHttp.Form(fields, [(isPicture ? "photo" : "document", name, mediaType, content)]), cancellation))
                .ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private Task CallAsync(string method, Func<HttpContent> content, CancellationToken cancellation) => _http.SendAsync(
        $"bot{_settings.Token}/{method}", () => new HttpRequestMessage(HttpMethod.Post, "") { Content = content() }, cancellation);

    private static string Cut(string text, int most) => text.Length <= most ? text : text[..(most - 1)] + "…";

    private sealed record Settings(HttpSettings? Server, string Token, string Chat, Wanted Attachments) : TargetSettings
    {
        public override Peer? Peer => Server is null ? null : Peer.Of(Server.Address);

        public override INoticeTarget Build(TimeProvider time) => new TelegramTarget(this, time);
    }
}
