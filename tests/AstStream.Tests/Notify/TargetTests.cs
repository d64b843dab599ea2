using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using AstStream.Station.Targets;
using AstStream.Tests.Shared;
using Microsoft.AspNetCore.Http;

namespace AstStream.Tests.Notify;

/// <summary>What targets send, held against what their servers' documentation says they take.</summary>
public sealed class TargetTests : NotifyTrial
{
    private static readonly NoticeFiles s_picture = new([1, 2, 3], null);

    [Fact]
    public async Task Ntfy_WordsAlone_AreOneJsonMessage()
    {
        await using var server = await TargetStandIn.StartAsync();
        using var target = Target($"type: ntfy, url: '{server.Address}', topic: home, token: tk_secret");

        await target.SendAsync(Notice(), NoticeFiles.None, CancellationToken.None);

        var request = Assert.Single(server.Taken);
        Assert.Equal(("POST", "/", "Bearer tk_secret"), (request.Method, request.Path, request.Headers["Authorization"]));
        var json = JsonDocument.Parse(request.Text).RootElement;
        Assert.Equal("home", json.GetProperty("topic").GetString());
        Assert.Equal("Dog · höf", json.GetProperty("title").GetString());
        Assert.Equal("since 22:30:00, score 0.75", json.GetProperty("message").GetString());
        Assert.Equal(4, json.GetProperty("priority").GetInt32());
        Assert.Equal("http://station/#events/1", json.GetProperty("click").GetString());
        Assert.Equal(server.Address, target.Place);
    }

    [Fact]
    public async Task Ntfy_APictureAndASound_AreFilesWithTheWordsInTheAddress()
    {
        var sound = Path.Combine(_folder, "clip.wav");
        await File.WriteAllBytesAsync(sound, [9, 9]);
        await using var server = await TargetStandIn.StartAsync();
        using var target = Target($"type: ntfy, url: '{server.Address}', topic: home, user: me, password: pw, attach: [picture, sound]");

        await target.SendAsync(Notice(), new NoticeFiles([1, 2, 3], sound), CancellationToken.None);

        Assert.Equal(Wanted.Picture | Wanted.Sound, target.Attachments);
        Assert.Equal(2, server.Taken.Count);
        var (first, second) = (server.Taken[0], server.Taken[1]);
        Assert.Equal(("PUT", "image/png"), (first.Method, first.Headers["Content-Type"]));
        Assert.Equal<byte>([1, 2, 3], first.Body);
        Assert.Equal(
            "/home?title=Dog%20%C2%B7%20h%C3%B6f&message=since%2022%3A30%3A00%2C%20score%200.75&priority=4"
                + "&click=http%3A%2F%2Fstation%2F%23events%2F1&filename=spectrogram.png", first.Path);
        Assert.Equal(("Basic bWU6cHc=", "audio/wav"), (second.Headers["Authorization"], second.Headers["Content-Type"]));
        Assert.EndsWith("&filename=clip.wav", second.Path, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Gotify_ANotice_HasTokenPriorityAndLink()
    {
        await using var server = await TargetStandIn.StartAsync();
        using var target = Target($"type: gotify, url: '{server.Address}/gotify/', token: Abc");

        await target.SendAsync(Notice(), s_picture, CancellationToken.None);

        var request = Assert.Single(server.Taken);
        Assert.Equal(("/gotify/message", "Abc"), (request.Path, request.Headers["X-Gotify-Key"]));
        var json = JsonDocument.Parse(request.Text).RootElement;
        Assert.Equal(("Dog · höf", 8), (json.GetProperty("title").GetString(), json.GetProperty("priority").GetInt32()));
        Assert.Equal("http://station/#events/1", json.GetProperty("extras").GetProperty("client::notification").GetProperty("click")
            .GetProperty("url").GetString());
    }

    [Fact]
    public async Task Telegram_ANotice_IsAMessageOrAPhotoWithACaption()
    {
        await using var server = await TargetStandIn.StartAsync();
        using var target = Target($"type: telegram, url: '{server.Address}', token: '123:abc', chat: '-100'");

        await target.SendAsync(Notice(), NoticeFiles.None, CancellationToken.None);
        await target.SendAsync(Notice(), s_picture, CancellationToken.None);

        Assert.Equal(["/bot123:abc/sendMessage", "/bot123:abc/sendPhoto"], server.Taken.Select(r => r.Path));
        var json = JsonDocument.Parse(server.Taken[0].Text).RootElement;
        Assert.Equal("Dog · höf\nsince 22:30:00, score 0.75\nhttp://station/#events/1", json.GetProperty("text").GetString());
        Assert.Equal("-100", json.GetProperty("chat_id").GetString());
        Assert.Contains("name=caption", server.Taken[1].Text, StringComparison.Ordinal);
        Assert.Contains("filename=spectrogram.png", server.Taken[1].Text, StringComparison.Ordinal);
        Assert.DoesNotContain("abc", target.Place, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Apprise_ANotice_GoesToTheKeyOrTheUrls()
    {
        await using var server = await TargetStandIn.StartAsync();
        using var kept = Target($"type: apprise, url: '{server.Address}', key: home, tag: family");
        using var stateless = Target($"type: apprise, url: '{server.Address}', urls: ['mailto://a', 'json://b']");

        await kept.SendAsync(Notice(), NoticeFiles.None, CancellationToken.None);
        await stateless.SendAsync(Notice(), s_picture, CancellationToken.None);

        Assert.Equal(["/notify/home", "/notify"], server.Taken.Select(r => r.Path));
        var json = JsonDocument.Parse(server.Taken[0].Text).RootElement;
        Assert.Equal(("family", "warning"), (json.GetProperty("tag").GetString(), json.GetProperty("type").GetString()));
        Assert.Contains("mailto://a,json://b", server.Taken[1].Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Webhook_ANotice_IsASignedCloudEvent()
    {
        await using var server = await TargetStandIn.StartAsync();
        using var target = Target(
            $"type: webhook, url: '{server.Address}/hook?key=1', secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, source: home");

        await target.SendAsync(Notice(), s_picture, CancellationToken.None);

        var request = Assert.Single(server.Taken);
        Assert.Equal(("/hook?key=1", "n1"), (request.Path, request.Headers["webhook-id"]));
        Assert.StartsWith("application/cloudevents+json", request.Headers["Content-Type"], StringComparison.Ordinal);
        byte[] signed = [.. Encoding.UTF8.GetBytes($"n1.{request.Headers["webhook-timestamp"]}."), .. request.Body];
        var expected = HMACSHA256.HashData(Convert.FromBase64String("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), signed);
        Assert.Equal($"v1,{Convert.ToBase64String(expected)}", request.Headers["webhook-signature"]);
        var json = JsonDocument.Parse(request.Text).RootElement;
        Assert.Equal(("1.0", "n1", "home", "aststream.event.v1", "höf"), (
            json.GetProperty("specversion").GetString(), json.GetProperty("id").GetString(), json.GetProperty("source").GetString(),
            json.GetProperty("type").GetString(), json.GetProperty("subject").GetString()));
        Assert.Equal("1", json.GetProperty("data").GetProperty("id").GetString()); // the record as it is, as in Kafka
        Assert.DoesNotContain("key=1", target.Place, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(400, true)]
    [InlineData(401, false)]
    [InlineData(413, true)]
    [InlineData(429, false)]
    [InlineData(503, false)]
    public async Task Http_AnAnswerThatSaysNo_IsRefusedOrTriedAgain(int status, bool isRefused)
    {
        await using var server = await TargetStandIn.StartAsync(async (context, _) =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.RetryAfter = "7";
            await context.Response.WriteAsync("no\n  thanks");
        });
        using var target = Target($"type: webhook, url: '{server.Address}/secret-path'");

        var e = await Assert.ThrowsAsync<TargetException>(() => target.SendAsync(Notice(), NoticeFiles.None, CancellationToken.None));

        Assert.Equal((isRefused, TimeSpan.FromSeconds(7)), (e.IsRefused, e.RetryAfter));
        Assert.Contains($"answers {status}", e.Message, StringComparison.Ordinal);
        Assert.Contains(": no thanks", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret-path", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Http_ARedirectInside_IsFollowedOnlyWhereThatIsAllowed()
    {
        await using var inside = await TargetStandIn.StartAsync();
        await using var server = await TargetStandIn.StartAsync((context, number) =>
        {
            context.Response.StatusCode = 307;
            context.Response.Headers.Location = number == 0 ? "http://169.254.169.254/latest/meta-data" : inside.Address + "/taken";
            return Task.CompletedTask;
        });
        using var strict = Target($"type: webhook, url: '{server.Address}', token: proof");
        using var loose = Target($"type: webhook, url: '{server.Address}', token: proof, redirect_inside: true");

        foreach (var where in (string[])["169.254.169.254", "127.0.0.1"])
        {
            var e = await Assert.ThrowsAsync<TargetException>(() => strict.SendAsync(Notice(), NoticeFiles.None, CancellationToken.None));
            Assert.Contains($"is {where} and not public; expected redirect_inside", e.Message, StringComparison.Ordinal);
        }

        Assert.Empty(inside.All);
        await loose.SendAsync(Notice(), NoticeFiles.None, CancellationToken.None);
        var request = Assert.Single(inside.Taken);
        Assert.Equal(("POST", "/taken"), (request.Method, request.Path));
        Assert.False(request.Headers.ContainsKey("Authorization"), "the token belongs to the first server");
    }

    [Fact]
    public async Task Http_ARedirectThatChangesTheMethod_NamesTheNewAddress()
    {
        await using var server = await TargetStandIn.StartAsync((context, _) =>
        {
            context.Response.StatusCode = 301;
            context.Response.Headers.Location = "https://new.example.org/x";
            return Task.CompletedTask;
        });
        using var target = Target($"type: webhook, url: '{server.Address}'");

        var e = await Assert.ThrowsAsync<TargetException>(() => target.SendAsync(Notice(), NoticeFiles.None, CancellationToken.None));

        Assert.Contains("answers 301 and names https://new.example.org; expected that address", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Http_ARedirectToNowhere_IsSaid()
    {
        await using var server = await TargetStandIn.StartAsync((context, _) =>
        {
            context.Response.StatusCode = 307;
            context.Response.Headers.Location = "//:x";
            return Task.CompletedTask;
        });
        using var target = Target($"type: webhook, url: '{server.Address}'");

        var e = await Assert.ThrowsAsync<TargetException>(() => target.SendAsync(Notice(), NoticeFiles.None, CancellationToken.None));

        Assert.Contains("answers 307", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(204, false, "has no configuration under this key")]
    [InlineData(424, true, "some of the services did not take it")]
    public async Task Apprise_AnAnswerOfItsOwnKind_IsNoDelivery(int status, bool isRefused, string message)
    {
        await using var server = await TargetStandIn.StartAsync((context, _) =>
        {
            context.Response.StatusCode = status;
            return Task.CompletedTask;
        });
        using var target = Target($"type: apprise, url: '{server.Address}', key: home");

        var e = await Assert.ThrowsAsync<TargetException>(() => target.SendAsync(Notice(), NoticeFiles.None, CancellationToken.None));

        Assert.Contains(message, e.Message, StringComparison.Ordinal);
        Assert.Equal(isRefused, e.IsRefused);
    }

    [Fact]
    public async Task Http_ACertificateOfItsOwn_IsTrustedWhereItIsNamed()
    {
        using var certificate = OwnCertificate.Make();
        await File.WriteAllTextAsync(Path.Combine(_folder, "own.pem"), certificate.ExportCertificatePem());
        await using var server = await TargetStandIn.StartAsync(certificate: certificate);
        using var strict = Target($"type: webhook, url: '{server.Address}'");
        using var trusting = Target($"type: webhook, url: '{server.Address}', ca: own.pem");

        var e = await Assert.ThrowsAsync<TargetException>(() => strict.SendAsync(Notice(), NoticeFiles.None, CancellationToken.None));
        await trusting.SendAsync(Notice(), NoticeFiles.None, CancellationToken.None);

        Assert.Contains("shows a certificate that is not trusted", e.Message, StringComparison.Ordinal);
        Assert.Single(server.Taken);
    }

    [Fact]
    public async Task Http_NobodyThere_SaysSo()
    {
        using var target = Target("type: gotify, url: 'http://127.0.0.1:1', token: x");

        var e = await Assert.ThrowsAsync<TargetException>(() => target.SendAsync(Notice(), NoticeFiles.None, CancellationToken.None));

        Assert.Contains("http://127.0.0.1:1 can't be reached: Connection refused", e.Message, StringComparison.Ordinal);
        Assert.False(e.IsRefused);
    }

    [Theory]
    [InlineData("127.0.0.1", false)]
    [InlineData("10.1.2.3", false)]
    [InlineData("169.254.169.254", false)]
    [InlineData("100.64.0.1", false)]
    [InlineData("::1", false)]
    [InlineData("::ffff:127.0.0.1", false)]
    [InlineData("fe80::1", false)]
    [InlineData("fd00:ec2::254", false)]
    [InlineData("2002:7f00:1::", false)]
    [InlineData("64:ff9b::7f00:1", false)]
    [InlineData("159.203.148.75", true)]
    [InlineData("2606:4700:4700::1111", true)]
    public void PublicAddress_AddressesOfAllKinds_AreToldApart(string address, bool isPublic) =>
        Assert.Equal(isPublic, PublicAddress.Is(IPAddress.Parse(address)));
}
