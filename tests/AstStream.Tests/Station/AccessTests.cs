using System.Net;
using AstStream.Station.Web;
using Microsoft.AspNetCore.Routing;

namespace AstStream.Tests.Station;

/// <summary>Who gets what from a station that others can reach.</summary>
public sealed class AccessTests : WebTrial
{
    private const string Reader = "reader-0123456789";
    private const string Reviewer = "reviewer-0123456789";
    private const string Admin = "admin-0123456789";
    private const string ThePassword = "correct horse";

    private static readonly string s_hash = Password.Hash(ThePassword);

    private protected override WebOptions Options => base.Options with
    {
        PasswordHash = s_hash,
        Tokens = new Dictionary<string, Right> { [Reader] = Right.Read, [Reviewer] = Right.Review, [Admin] = Right.Admin },
        Hosts = ["station.example.org"],
    };

    [Fact]
    public async Task Routes_AllOfThem_AskForARightAndRefuseLesserOnes()
    {
        var routes = _server!.Routes.OfType<RouteEndpoint>().ToList();
        Assert.True(routes.Count > 20);
        var asked = new Dictionary<Right, int>();
        foreach (var route in routes)
        {
            var needs = route.Metadata.GetMetadata<NeedsRight>();
            Assert.True(needs is not null, $"{route.RoutePattern.RawText} asks for nothing and is served to nobody");
            asked[needs.Right] = asked.GetValueOrDefault(needs.Right) + 1;
            var path = route.RoutePattern.RawText!.Replace("{id}", "abc", StringComparison.Ordinal);
            var method = route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods is [var only, ..] ? only : "GET";
            foreach (var (token, right) in ((string?, Right)[])
                [(null, Right.Nothing), ("wrong-0123456789", Right.Nothing), (Reader, Right.Read), (Reviewer, Right.Review)])
            {
                using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(path, UriKind.RelativeOrAbsolute));
                if (token is not null)
                    request.Headers.Authorization = new("Bearer", token);
                using var response = await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
                var isRefused = response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden;
                Assert.True(isRefused == right < needs.Right, $"{method} {path} with {right}: {response.StatusCode}");
            }
        }

        Assert.True(asked[Right.Read] > 8 && asked[Right.Review] >= 2);
    }

    [Fact]
    public async Task Requests_OfOtherSitesAndNames_GetNothing()
    {
        (string Header, string Value, HttpStatusCode Status)[] cases =
        [
            ("Host", "evil.example.com", HttpStatusCode.MisdirectedRequest),
            ("Host", "station.example.org", HttpStatusCode.OK),
            ("Host", "localhost:8765", HttpStatusCode.OK),
            ("Origin", "http://evil.example.com", HttpStatusCode.Forbidden),
            ("Origin", "null", HttpStatusCode.Forbidden),
            ("Sec-Fetch-Site", "cross-site", HttpStatusCode.Forbidden),
            ("Sec-Fetch-Site", "same-site", HttpStatusCode.Forbidden), // another port of this machine
            ("Sec-Fetch-Site", "same-origin", HttpStatusCode.OK),
        ];
        foreach (var (header, value, status) in cases)
        {
            var request = Request(HttpMethod.Get, "/labels");
            request.Headers.Authorization = new("Bearer", Reader);
            request.Headers.TryAddWithoutValidation(header, value);
            Assert.Equal((header, value, status), (header, value, (await TryAsync(request)).Status));
        }
    }

    [Fact]
    public async Task Login_RightPassword_GivesASessionThatNoOtherSiteCanUse()
    {
        using var response = await Client.SendAsync(Request(HttpMethod.Post, "/login", new { password = ThePassword }));
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
        var cookie = Assert.Single(response.Headers.GetValues("Set-Cookie"));
        Assert.Contains("httponly", cookie, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", cookie, StringComparison.OrdinalIgnoreCase);
        var session = cookie.Split(';')[0];

        HttpRequestMessage With(HttpMethod method, string path, object? body, string? origin)
        {
            var request = Request(method, path, body);
            request.Headers.Add("Cookie", session);
            if (origin is not null)
                request.Headers.Add("Origin", origin);
            return request;
        }

        var own = Client.BaseAddress!.GetLeftPart(UriPartial.Authority);
        var review = new { event_ids = (string[])["abc"], verdict = "right" };
        Assert.Equal(HttpStatusCode.OK, (await TryAsync(With(HttpMethod.Get, "/labels", null, null))).Status);
        Assert.Equal(HttpStatusCode.OK, (await TryAsync(With(HttpMethod.Post, "/reviews", review, own))).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await TryAsync(With(HttpMethod.Post, "/reviews", review, null))).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await TryAsync(With(HttpMethod.Post, "/reviews", review, "http://evil"))).Status);
        Assert.Equal(HttpStatusCode.NoContent, (await TryAsync(With(HttpMethod.Post, "/logout", null, own))).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await TryAsync(With(HttpMethod.Get, "/labels", null, null))).Status);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)] // its time is over
    public async Task Live_SessionEnds_EndsToo(bool byLogout)
    {
        using var login = await Client.SendAsync(Request(HttpMethod.Post, "/login", new { password = ThePassword }));
        var session = login.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        HttpRequestMessage With(HttpMethod method, string path)
        {
            var request = Request(method, path);
            request.Headers.Add("Cookie", session);
            request.Headers.Add("Origin", Client.BaseAddress!.GetLeftPart(UriPartial.Authority));
            return request;
        }

        using var live = await Client.SendAsync(With(HttpMethod.Get, "/live"), HttpCompletionOption.ResponseHeadersRead);
        Assert.Equal(HttpStatusCode.OK, live.StatusCode);
        await using var stream = await live.Content.ReadAsStreamAsync();
        Assert.True(await stream.ReadAsync(new byte[100]) > 0);

        if (byLogout)
            Assert.Equal(HttpStatusCode.NoContent, (await TryAsync(With(HttpMethod.Post, "/logout"))).Status);
        else
            _time.Advance(TimeSpan.FromDays(31));
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10)); // its line of life comes after 15 s
        try
        {
            while (await stream.ReadAsync(new byte[100], patience.Token) > 0)
            {
                // What was on its way.
            }
        }
        catch (Exception e) when (e is IOException or HttpRequestException)
        {
            // It was cut off.
        }
    }

    [Fact]
    public async Task Login_OftenWithTheRightPassword_IsNoAttack()
    {
        for (var i = 0; i < 12; i++)
            Assert.Equal(
                HttpStatusCode.NoContent, (await TryAsync(Request(HttpMethod.Post, "/login", new { password = ThePassword }))).Status);
    }

    [Fact]
    public async Task Login_ManyWrongPasswords_IsRefusedForAWhile()
    {
        for (var i = 0; i < 10; i++)
            Assert.Equal(HttpStatusCode.Unauthorized, (await TryAsync(Request(HttpMethod.Post, "/login", new { password = "no" }))).Status);
        Assert.Equal(
            HttpStatusCode.TooManyRequests, (await TryAsync(Request(HttpMethod.Post, "/login", new { password = ThePassword }))).Status);

        _time.Advance(TimeSpan.FromMinutes(11));

        Assert.Equal(HttpStatusCode.NoContent, (await TryAsync(Request(HttpMethod.Post, "/login", new { password = ThePassword }))).Status);
    }

    [Fact]
    public async Task Body_OfAGigabyte_IsRefusedBeforeItIsRead()
    {
        var request = Request(HttpMethod.Post, "/reviews");
        request.Headers.Authorization = new("Bearer", Reviewer);
        request.Headers.ExpectContinue = true;
        request.Content = new ByteArrayContent([]);
        request.Content.Headers.ContentLength = 1 << 30;
        request.Content.Headers.ContentType = new("application/json");
        using (request)
        {
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            using var response = await Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
            Assert.Equal(HttpStatusCode.RequestEntityTooLarge, response.StatusCode);
        }
    }

    [Theory]
    [InlineData("{}", "application/json", 400)]
    [InlineData("{\"password\": null}", "application/json", 400)]
    [InlineData("[]", "application/json", 400)]
    [InlineData("{\"password\": \"x\"}", "application/json; charset=utf-7", 415)]
    [InlineData("{\"password\": \"x\"}", "text/plain", 415)]
    public async Task Login_OddBodies_AreTheCallersMistakes(string body, string type, int status)
    {
        using var request = Request(HttpMethod.Post, "/login");
        request.Content = new ByteArrayContent(System.Text.Encoding.UTF8.GetBytes(body));
        request.Content.Headers.TryAddWithoutValidation("Content-Type", type);
        using var response = await Client.SendAsync(request);

        Assert.Equal(status, (int)response.StatusCode);
    }

    [Fact]
    public async Task Requests_WrongMethodsAndLooks_AreAnsweredAsHttpHasIt()
    {
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await TryAsync(Request(HttpMethod.Delete, "/labels"))).Status);
        using var head = new HttpRequestMessage(HttpMethod.Head, new Uri("/", UriKind.Relative));
        using var page = await Client.SendAsync(head);
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        using var put = new HttpRequestMessage(HttpMethod.Put, new Uri("/metrics", UriKind.Relative));
        put.Headers.Authorization = new("Bearer", Reader);
        using var metrics = await Client.SendAsync(put);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, metrics.StatusCode);
    }

    [Fact]
    public async Task Requests_ThroughATrustedProxy_CannotNameAnotherHost()
    {
        await using var server = await StartAsync(Options with { Proxies = [IPAddress.Loopback] });
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(server.Address + "/api/v1/me"));
        request.Headers.Host = "evil.example.com";
        request.Headers.Add("X-Forwarded-Host", "localhost");
        using var response = await Client.SendAsync(request);

        Assert.Equal(HttpStatusCode.MisdirectedRequest, response.StatusCode);
    }

    [Fact]
    public async Task Start_PortThatIsTaken_SaysSo()
    {
        var port = Client.BaseAddress!.Port;

        var options = Options with { Address = new IPEndPoint(IPAddress.Loopback, port) };

        var e = await Assert.ThrowsAsync<IOException>(() => StartAsync(options));

        Assert.Contains($"station.listen: 127.0.0.1:{port}: the page can't be served there", e.Message, StringComparison.Ordinal);
    }
}
