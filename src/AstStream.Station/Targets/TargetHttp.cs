using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;

namespace AstStream.Station.Targets;

/// <summary>
/// Requests to one target's server. Redirects that keep the method (307, 308) are followed; to an address that is not public only where
/// that is allowed, and what proves who we are stays with the first server.
/// </summary>
internal sealed class TargetHttp : IDisposable
{
    private const int MostRedirects = 3;
    private const int LongestAnswer = 4096; // bytes that are read of it

    private static readonly TimeSpan s_connect = TimeSpan.FromSeconds(10);

    private readonly HttpSettings _settings;
    private readonly TimeProvider _time;
    private readonly HttpClient _direct;
    private readonly HttpClient _redirected;

    /// <summary>Makes it.</summary>
    /// <param name="settings">Where the server is, and what is trusted.</param>
    /// <param name="time">The clock.</param>
    public TargetHttp(HttpSettings settings, TimeProvider time)
    {
        (_settings, _time) = (settings, time);
        _direct = Client(settings, null);
        _redirected = Client(settings, settings.MayRedirectInside ? null : ConnectOutsideAsync);
    }

    /// <summary>The server, without what may be a secret: path, query and user.</summary>
    public string Place => Shown(_settings.Address);

    /// <summary>Adds to a request what proves who we are; nothing by default.</summary>
    public Action<HttpRequestMessage>? Prove { get; init; }

    /// <summary>Whether redirects are followed; true by default.</summary>
    public bool Follows { get; init; } = true;

    /// <summary>What is wrong with an answer beside what all servers mean by it, and whether it is a refusal; null for nothing.</summary>
    public Func<int, (string Why, bool IsRefused)?> Object { get; init; } = _ => null;

    /// <summary>Sends a request, which must be made anew for each redirect, and takes its answer.</summary>
    /// <param name="path">The path under the server's address; empty for the address itself.</param>
    /// <param name="make">Makes the request; its address is set here.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="TargetException">The answer says no, or there is none.</exception>
    public async Task SendAsync(string path, Func<HttpRequestMessage> make, CancellationToken cancellation)
    {
        var first = path.Length == 0 ? _settings.Address : new Uri($"{_settings.Address.AbsoluteUri.TrimEnd('/')}/{path}");
        var at = first;
        for (var redirects = 0; ; redirects++)
        {
            using var request = make();
            request.RequestUri = at;
            if (at.Authority == first.Authority && at.Scheme == first.Scheme)
                Prove?.Invoke(request);
            var (next, retryAfter) = await AnswerAsync(request, redirects > 0, cancellation).ConfigureAwait(false);
            if (next is null)
                return;
            if (redirects == MostRedirects)
                throw new TargetException($"{Place} redirects more than {MostRedirects} times") { RetryAfter = retryAfter };
            if (at.Scheme == "https" && next.Scheme != "https")
                throw new TargetException($"{Shown(at)} redirects to {Shown(next)}, which is not encrypted; that is not followed");
            at = next;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _direct.Dispose();
        _redirected.Dispose();
    }

    /// <summary>A body of JSON.</summary>
    public static HttpContent Json(JsonObject body) =>
        new StringContent(body.ToJsonString(), Encoding.UTF8, "application/json");

    /// <summary>A form with fields and files.</summary>
    public static MultipartFormDataContent Form(
        IEnumerable<(string Name, string Value)> fields, IEnumerable<(string Field, string Name, string MediaType, byte[] Content)> files)
    {
        var form = new MultipartFormDataContent();
        foreach (var (name, value) in fields)
            form.Add(new StringContent(value), name);
        foreach (var (field, name, mediaType, content) in files)
            form.Add(new ByteArrayContent(content) { Headers = { ContentType = new MediaTypeHeaderValue(mediaType) } }, field, name);
        return form;
    }

    /// <summary>Null where it was taken, or where to send it.</summary>
    private async Task<(Uri? Next, TimeSpan? RetryAfter)> AnswerAsync(
        HttpRequestMessage request, bool isRedirected, CancellationToken cancellation)
    {
        var place = Shown(request.RequestUri!);
        try
        {
            using var response = await (isRedirected ? _redirected : _direct)
                .SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation).ConfigureAwait(false);
            var retryAfter = RetryAfter(response);
            var code = (int)response.StatusCode;
            if (Object(code) is { } objection)
                throw new TargetException($"{place} answers {code}: {objection.Why}", objection.IsRefused);
            if (response.IsSuccessStatusCode)
                return (null, null);
            if (response.Headers.Location is { } location && code is 301 or 302 or 303 or 307 or 308)
            {
                if (!Uri.TryCreate(request.RequestUri!, location, out var next) || next.Scheme is not ("http" or "https"))
                    throw new TargetException($"{place} answers {code} and names no address of a server");
                if (code is 307 or 308 && Follows)
                    return (next, retryAfter);
                throw new TargetException($"{place} answers {code} and names {Shown(next)}; expected that address in the pipeline");
            }

            var reason = await ReasonAsync(response, cancellation).ConfigureAwait(false);
            throw new TargetException(
                $"{place} answers {code} {response.ReasonPhrase}{reason}{Hint(code)}",
                isRefused: code is 400 or 413 or 415 or 422)
            { RetryAfter = retryAfter };
        }
        catch (HttpRequestException e)
        {
            throw new TargetException(e.InnerException is AuthenticationException certificate
                ? $"{place} shows a certificate that is not trusted ({certificate.Message.ReplaceLineEndings(" ")}); expected one of an "
                    + "authority that this machine trusts, or that authority's in 'ca'"
                : $"{place} can't be reached: {e.GetBaseException().Message.ReplaceLineEndings(" ")}");
        }
        catch (IOException e)
        {
            throw new TargetException($"{place} broke off: {e.GetBaseException().Message.ReplaceLineEndings(" ")}");
        }
    }

    private static string Hint(int code) => code switch
    {
        401 or 403 => "; is the token or password right, and may it send?",
        404 or 405 => "; is the address right?",
        _ => "",
    };

    /// <summary>What the server says of why, in a line.</summary>
    private static async Task<string> ReasonAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        const int shown = 200; // characters
        using var body = await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false);
        var bytes = new byte[LongestAnswer];
        var length = await body.ReadAtLeastAsync(bytes, LongestAnswer, throwOnEndOfStream: false, cancellation).ConfigureAwait(false);
        var text = string.Join(' ', Encoding.UTF8.GetString(bytes, 0, length).Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries));
        return text.Length == 0 ? "" : $": {(text.Length > shown ? text[..shown] + "…" : text)}";
    }

    private TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - _time.GetUtcNow(),
        _ => null,
    };

    private static string Shown(Uri address) => $"{address.Scheme}://{address.Authority}";

    private static HttpClient Client(
        HttpSettings settings, Func<SocketsHttpConnectionContext, CancellationToken, ValueTask<Stream>>? connect)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            ConnectTimeout = s_connect,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5), // a name may lead elsewhere later
            ConnectCallback = connect,
            UseProxy = connect is null, // a proxy would connect to what we must not
        };
        if (settings.Authorities.Count > 0)
            handler.SslOptions.CertificateChainPolicy = Trusting(settings.Authorities);
        var client = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
        client.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue(
            "aststream", typeof(TargetHttp).Assembly.GetName().Version?.ToString(3) ?? "1"));
        return client;
    }

    private static X509ChainPolicy Trusting(X509Certificate2Collection authorities)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
        };
        policy.CustomTrustStore.AddRange(authorities);
        return policy;
    }

    /// <summary>Connects to a public address of the host that is asked for; the one that was looked at is the one that is taken.</summary>
    private static async ValueTask<Stream> ConnectOutsideAsync(SocketsHttpConnectionContext context, CancellationToken cancellation)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        var addresses = await Dns.GetHostAddressesAsync(host, cancellation).ConfigureAwait(false);
        if (addresses.FirstOrDefault(a => !PublicAddress.Is(a)) is { } inside)
            throw new HttpRequestException(string.Create(CultureInfo.InvariantCulture,
                $"a redirect leads to {host}:{port}, which is {inside} and not public; expected redirect_inside: true if that is meant"));
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, port, cancellation).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
