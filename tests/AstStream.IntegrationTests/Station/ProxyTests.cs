using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.RegularExpressions;
using AstStream.Tests.Shared;

namespace AstStream.IntegrationTests.Station;

/// <summary>A station that is reached through the reverse proxies of docs/station.md, as they are configured there.</summary>
public sealed partial class ProxyTests : IDisposable
{
    private const string Host = "station.example.org";
    private const string Password = "correct horse";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;
    private readonly CancellationTokenSource _patience = new(s_patience);
    private readonly int _port = FreePort.Find();

    private Uri Page => new($"https://{Host}:{_port}");

    public void Dispose()
    {
        _patience.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("nginx")]
    [InlineData("caddy")]
    public async Task Proxy_AsTheDocumentationHasIt_ServesThePageAndAllThatIsLive(string proxy)
    {
        var hash = (await Cli.RunAsync(Encoding.UTF8.GetBytes(Password + "\n"), ["station", "password"])).Output.Trim();
        await using var run = new StationRun(
            _folder, more: $"password: {hash}\n  hosts: [{Host}]\n  proxies: [127.0.0.1]");
        await using var sound = new LiveSound(run.Socket);
        await run.AnswersAsync();
        using var process = Start(proxy, new Uri(run.Address).Authority);
        try
        {
            using var client = Client(IPAddress.Loopback);
            await AnswersAsync(client, process);
            await LookAsync(client, sound);
        }
        finally
        {
            process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
        }
    }

    private async Task LookAsync(HttpClient client, LiveSound sound)
    {
        // Callers are distinguished by the address that the proxy names.
        for (var i = 0; i < 10; i++)
            Assert.Equal(HttpStatusCode.Unauthorized, (await LogInAsync(client, "wrong")).StatusCode);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await LogInAsync(client, Password)).StatusCode);
        using var other = Client(IPAddress.Parse("127.0.0.2"));
        using var login = await LogInAsync(other, Password);
        Assert.Equal(HttpStatusCode.NoContent, login.StatusCode);
        var cookie = login.Headers.GetValues("Set-Cookie").Single();
        Assert.Contains("secure", cookie, StringComparison.OrdinalIgnoreCase);
        other.DefaultRequestHeaders.Add("Cookie", cookie.Split(';')[0]);

        // The spectrogram comes, and an event as it opens.
        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Origin", Page.GetLeftPart(UriPartial.Authority));
        await socket.ConnectAsync(
            new Uri($"wss://{Page.Authority}/api/v1/live/stream?name=porch&spectrogram=true"), other, _patience.Token);
        var buffer = new byte[65_536];
        Assert.Equal(WebSocketMessageType.Text, (await socket.ReceiveAsync(buffer, _patience.Token)).MessageType);
        Assert.Equal(WebSocketMessageType.Binary, (await socket.ReceiveAsync(buffer, _patience.Token)).MessageType);
        using var live = await other.GetAsync(
            new Uri("/api/v1/live", UriKind.Relative), HttpCompletionOption.ResponseHeadersRead, _patience.Token);
        using var lines = new StreamReader(await live.Content.ReadAsStreamAsync(_patience.Token));
        sound.IsLoud = true;
        while (await lines.ReadLineAsync(_patience.Token) != "event: opened")
        {
            // Signs of life.
        }

        // Logging out ends both.
        using var logout = await other.SendAsync(Post("/api/v1/logout", null), _patience.Token);
        Assert.Equal(HttpStatusCode.NoContent, logout.StatusCode);
        await EndsAsync(async () => await lines.ReadLineAsync(_patience.Token) is null);
        await EndsAsync(async () => (await socket.ReceiveAsync(buffer, _patience.Token)).MessageType == WebSocketMessageType.Close);
    }

    /// <summary>Waits until a connection is over, however it ends.</summary>
    private static async Task EndsAsync(Func<Task<bool>> next)
    {
        try
        {
            while (!await next())
            {
                // What was on its way.
            }
        }
        catch (Exception e) when (e is IOException or HttpRequestException or WebSocketException)
        {
            // It was cut off.
        }
    }

    private Task<HttpResponseMessage> LogInAsync(HttpClient client, string password) =>
        client.SendAsync(Post("/api/v1/login", JsonContent.Create(new { password })), _patience.Token);

    private HttpRequestMessage Post(string path, HttpContent? content)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(path, UriKind.Relative)) { Content = content };
        request.Headers.Add("Origin", Page.GetLeftPart(UriPartial.Authority));
        return request;
    }

    private async Task AnswersAsync(HttpClient client, Process process)
    {
        while (true)
        {
            try
            {
                using var answer = await client.GetAsync(new Uri("/", UriKind.Relative), _patience.Token);
                Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
                return;
            }
            catch (HttpRequestException) when (!process.HasExited)
            {
                await Task.Delay(100, _patience.Token);
            }
        }
    }

    /// <summary>A browser at an address of this machine, which finds the proxy by its name.</summary>
    private HttpClient Client(IPAddress address)
    {
        var handler = new SocketsHttpHandler
        {
            UseCookies = false,
            ConnectCallback = async (_, cancellation) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(address, 0));
                await socket.ConnectAsync(new IPEndPoint(IPAddress.Loopback, _port), cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            },
        };
        handler.SslOptions.RemoteCertificateValidationCallback = (_, certificate, _, _) =>
            certificate is X509Certificate2 c && c.MatchesHostname(Host);
        return new HttpClient(handler) { BaseAddress = Page };
    }

    private Process Start(string proxy, string station)
    {
        var (certificate, key) = MakeCertificate();
        var blocks = Block().Matches(File.ReadAllText(Path.Combine(Repository.Root, "docs", "station.md")))
            .Select(m => m.Groups["body"].Value.Replace("127.0.0.1:8765", station, StringComparison.Ordinal)).ToList();
        var path = Path.Combine(_folder, "proxy.conf");
        if (proxy == "nginx")
        {
            File.WriteAllText(path, $$"""
                daemon off; pid {{_folder}}/nginx.pid; error_log stderr;
                events { }
                http {
                  access_log off; client_body_temp_path {{_folder}}/body; proxy_temp_path {{_folder}}/proxy;
                  fastcgi_temp_path {{_folder}}/f; uwsgi_temp_path {{_folder}}/u; scgi_temp_path {{_folder}}/s;
                  server {
                    listen 127.0.0.1:{{_port}} ssl; server_name {{Host}};
                    ssl_certificate {{certificate}}; ssl_certificate_key {{key}};
                    {{blocks.Single(b => b.Contains("proxy_pass", StringComparison.Ordinal))}}
                  }
                }
                """);
            return Start("/usr/sbin/nginx", "-c", path);
        }

        var site = blocks.Single(b => b.StartsWith("# Caddyfile", StringComparison.Ordinal));
        File.WriteAllText(
            path,
            "{\n admin off\n auto_https disable_redirects\n}\n"
                + site.Replace(Host + " {", $"https://{Host}:{_port} {{\n tls {certificate} {key}", StringComparison.Ordinal));
        return Start("caddy", "run", "--adapter", "caddyfile", "--config", path);
    }

    private Process Start(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = _folder };
        start.Environment["XDG_DATA_HOME"] = start.Environment["XDG_CONFIG_HOME"] = _folder;
        return Process.Start(start)!;
    }

    private (string Certificate, string Key) MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + Host, key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(Host);
        request.CertificateExtensions.Add(names.Build());
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        var paths = (Path.Combine(_folder, "proxy.crt"), Path.Combine(_folder, "proxy.key"));
        File.WriteAllText(paths.Item1, certificate.ExportCertificatePem());
        File.WriteAllText(paths.Item2, key.ExportPkcs8PrivateKeyPem());
        return paths;
    }

    [GeneratedRegex(@"^```\w*\n(?<body>.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();
}
