using System.Net.Sockets;
using AstStream.Streaming.Definitions;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;

namespace AstStream.Station.Targets;

/// <summary>A mail, by SMTP.</summary>
internal sealed class EmailTarget : INoticeTarget
{
    private const string Encrypted = "tls";
    private const string Upgraded = "starttls";
    private const string Plain = "none";

    private static readonly Key<string?> s_host = Keys.Text("host", "The mail server.", required: true);
    private static readonly Key<int?> s_port = Keys.OptionalInteger(
        "port", "Its port; by default 587 with starttls, 465 with tls, 25 with none.", 1, 65_535);
    private static readonly Key<string> s_security = Keys.Choice(
        "security", "starttls (the default): the connection is encrypted before anything is said; tls: from its start; none: for a server "
            + "on this machine.", Upgraded, Upgraded, Encrypted, Plain);
    private static readonly Key<string?> s_user = Keys.Text("user", "The user; without one nobody logs in.");
    private static readonly Key<string?> s_password = Keys.Text("password", "The password, best from ${env:NAME} or ${file:PATH}.");
    private static readonly Key<string?> s_from = Keys.Text("from", "The sender, such as 'Station <station@example.org>'.", required: true);
    private static readonly Key<IReadOnlyList<string>?> s_to = Keys.Texts("to", "Who gets it.", required: true);

    /// <summary>The type.</summary>
    public static readonly TargetType Type = new(
        "email", "A mail, by SMTP.", [s_host, s_port, s_security, s_user, s_password, s_from, s_to, AttachKey.Key], Read);

    private readonly Settings _settings;

    private EmailTarget(Settings settings) => _settings = settings;

    /// <inheritdoc/>
    public string Place => $"{_settings.Host}:{_settings.Port}";

    /// <inheritdoc/>
    public Wanted Attachments => _settings.Attachments;

    /// <inheritdoc/>
    public async Task SendAsync(Notice notice, NoticeFiles files, CancellationToken cancellation)
    {
        using var message = await MessageAsync(notice, files, cancellation).ConfigureAwait(false);
        using var client = new SmtpClient();
        try
        {
            await client.ConnectAsync(_settings.Host, _settings.Port, _settings.Security, cancellation).ConfigureAwait(false);
            if (_settings.User is { } user)
                await client.AuthenticateAsync(user, _settings.Password ?? "", cancellation).ConfigureAwait(false);
            await client.SendAsync(message, cancellation).ConfigureAwait(false);
        }
        catch (SslHandshakeException e)
        {
            throw new TargetException($"{Place} can't be spoken to encrypted: {Line(e)}; expected a certificate that this machine trusts, "
                + "or 'security' as the server has it");
        }
        catch (AuthenticationException e)
        {
            throw new TargetException($"{Place} takes neither user nor password: {Line(e)}");
        }
        catch (SmtpCommandException e)
        {
            throw new TargetException(
                $"{Place} answers {(int)e.StatusCode}: {Line(e)}",
                isRefused: (int)e.StatusCode is 550 or 551 or 552 or 553 or 554 && e.ErrorCode != SmtpErrorCode.UnexpectedStatusCode);
        }
        catch (Exception e) when (e is IOException or SocketException or ProtocolException or NotSupportedException
            or ServiceNotAuthenticatedException)
        {
            throw new TargetException($"{Place} can't be reached: {Line(e)}");
        }

        await LeaveAsync(client, cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // It holds no connection between mails.
    }

    /// <summary>The mail is sent: that the server does not take leave changes nothing.</summary>
    private static async Task LeaveAsync(SmtpClient client, CancellationToken cancellation)
    {
        try
        {
            await client.DisconnectAsync(quit: true, cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException or ProtocolException or CommandException)
        {
        }
    }

    private static string Line(Exception e) => e.Message.ReplaceLineEndings(" ").Trim();

    private async Task<MimeMessage> MessageAsync(Notice notice, NoticeFiles files, CancellationToken cancellation)
    {
        var body = new BodyBuilder { TextBody = notice.Link is null ? notice.Text : $"{notice.Text}\n\n{notice.Link}" };
        foreach (var (name, mediaType, content) in await files.ReadAsync(cancellation).ConfigureAwait(false))
            body.Attachments.Add(name, content, ContentType.Parse(mediaType));
        var message = new MimeMessage
        {
            Subject = notice.Title,
            Date = notice.Time.ToLocalTime(),
            Body = body.ToMessageBody(),
            MessageId = $"{notice.Id}@aststream",
            Priority = notice.Urgency >= Urgency.High ? MessagePriority.Urgent : MessagePriority.Normal,
        };
        message.From.Add(_settings.From);
        message.To.AddRange(_settings.To);
        return message;
    }

    private static Settings Read(SectionReader section)
    {
        var security = section.Get(s_security);
        var to = new InternetAddressList();
        foreach (var text in section.Get(s_to) ?? [])
        {
            if (MailboxAddress.TryParse(text, out var address))
                to.Add(address);
            else
                section.Problem(s_to, $"found '{text}'; expected addresses such as somebody@example.org");
        }

        if (!MailboxAddress.TryParse(section.Get(s_from) ?? "", out var from) && section.Has(s_from))
            section.Problem(s_from, "is no address; expected one such as station@example.org");
        if (section.Has(s_password) && !section.Has(s_user))
            section.Problem(s_password, "stands without a user");
        return new Settings(
            section.Get(s_host) ?? "", section.Get(s_port) ?? security switch { Encrypted => 465, Plain => 25, _ => 587 },
            security switch
            {
                Encrypted => SecureSocketOptions.SslOnConnect,
                Plain => SecureSocketOptions.None,
                _ => SecureSocketOptions.StartTls,
            },
            section.Get(s_user), section.Get(s_password), from ?? new MailboxAddress("", ""), to, AttachKey.Read(section));
    }

    private sealed record Settings(
        string Host, int Port, SecureSocketOptions Security, string? User, string? Password, MailboxAddress From, InternetAddressList To,
        Wanted Attachments) : TargetSettings
    {
        public override Peer? Peer => Host.Length > 0 ? new Peer(Host, Port) : null;

        public override INoticeTarget Build(TimeProvider time) => new EmailTarget(this);
    }
}
