using System.Buffers;
using System.Collections.Concurrent;
using System.Net;
using AstStream.Station.Targets;
using AstStream.Tests.Shared;
using MimeKit;
using SmtpServer;
using SmtpServer.Authentication;
using SmtpServer.ComponentModel;
using SmtpServer.Protocol;
using SmtpServer.Storage;

namespace AstStream.Tests.Notify;

public sealed class EmailTargetTests : NotifyTrial
{
    [Fact]
    public async Task Send_ANotice_IsAMailWithItsPicture()
    {
        await using var server = new MailServer();
        using var target = Target(
            $"type: email, host: 127.0.0.1, port: {server.Port}, security: none, user: me, password: right, from: 'Höf <s@x.org>', "
                + "to: [a@x.org, b@x.org]");

        await target.SendAsync(Notice(), new NoticeFiles([1, 2, 3], null), CancellationToken.None);

        var mail = Assert.Single(server.Mails);
        Assert.Equal(("Dog · höf", "Höf", "n1@aststream"), (mail.Subject, mail.From.Mailboxes.First().Name, mail.MessageId));
        Assert.Equal("since 22:30:00, score 0.75\n\nhttp://station/#events/1", mail.TextBody!.ReplaceLineEndings("\n").Trim());
        Assert.Equal(["a@x.org", "b@x.org"], mail.To.Mailboxes.Select(m => m.Address));
        Assert.Equal("spectrogram.png", Assert.Single(mail.Attachments).ContentDisposition?.FileName);
    }

    [Fact]
    public async Task Send_AWrongPasswordOrNoEncryption_SaysSo()
    {
        await using var server = new MailServer();
        var common = $"type: email, host: 127.0.0.1, port: {server.Port}, from: s@x.org, to: a@x.org";
        using var wrong = Target($"{common}, security: none, user: me, password: wrong");
        using var encrypted = Target(common);

        var first = await Assert.ThrowsAsync<TargetException>(() => wrong.SendAsync(Notice(), NoticeFiles.None, CancellationToken.None));
        var second = await Assert.ThrowsAsync<TargetException>(
            () => encrypted.SendAsync(Notice(), NoticeFiles.None, CancellationToken.None));

        Assert.Contains("takes neither user nor password", first.Message, StringComparison.Ordinal);
        Assert.Contains("127.0.0.1", second.Message, StringComparison.Ordinal);
        Assert.Empty(server.Mails);
    }

    /// <summary>A mail server that knows one user.</summary>
    private sealed class MailServer : MessageStore, IUserAuthenticator, IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _run;

        public MailServer()
        {
            var services = new ServiceProvider();
            services.Add(this as IMessageStore);
            services.Add(this as IUserAuthenticator);
            var options = new SmtpServerOptionsBuilder()
                .Endpoint(e => e.Endpoint(new IPEndPoint(IPAddress.Loopback, Port)).AllowUnsecureAuthentication()).Build();
            _run = new SmtpServer.SmtpServer(options, services).StartAsync(_stop.Token);
        }

        public int Port { get; } = FreePort.Find();

        public ConcurrentQueue<MimeMessage> Mails { get; } = new();

        public override async Task<SmtpResponse> SaveAsync(
            ISessionContext context, IMessageTransaction transaction, ReadOnlySequence<byte> buffer, CancellationToken cancellationToken)
        {
            using var stream = new MemoryStream(buffer.ToArray());
            Mails.Enqueue(await MimeMessage.LoadAsync(stream, cancellationToken));
            return SmtpResponse.Ok;
        }

        public Task<bool> AuthenticateAsync(ISessionContext context, string user, string password, CancellationToken cancellationToken) =>
            Task.FromResult((user, password) == ("me", "right"));

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _run;
            _stop.Dispose();
        }
    }
}
