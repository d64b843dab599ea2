using System.Net;
using Microsoft.AspNetCore.Http;
using Microsoft.Net.Http.Headers;

namespace AstStream.Station.Web;

/// <summary>
/// Who may do what. Pages of other sites get nothing, whatever a browser sends along for them; a name that is not this station's is not
/// answered, so that no other site can take one on that leads here.
/// </summary>
internal sealed class Access(WebOptions options, TimeProvider time) : IDisposable
{
    /// <summary>The cookie of a session.</summary>
    public string Cookie { get; } = $"aststream{options.Address.Port}"; // cookies know no ports

    private const string Bearer = "Bearer ";
    private const int MostWaiting = 8; // passwords that are looked at, or wait for it

    private readonly HashSet<string> _hosts = new(
        [.. options.Hosts, "localhost", Dns.GetHostName(), Dns.GetHostName() + ".local"], StringComparer.OrdinalIgnoreCase);

    private readonly Dictionary<string, Right> _tokens = options.Tokens.ToDictionary(
        t => Sessions.HashOf(t.Key), t => t.Value, StringComparer.Ordinal);

    private readonly SemaphoreSlim _hashing = new(1); // a hash takes a core for a while: one at a time
    private int _waiting;

    /// <summary>Who has logged in.</summary>
    public Sessions Sessions { get; } = new(time);

    /// <summary>How often a password may be tried.</summary>
    public LoginLimit Logins { get; } = new(time);

    /// <summary>Whether the page needs a password.</summary>
    public bool NeedsPassword => options.PasswordHash is not null;

    /// <summary>Whether a request calls the station by a name of its own: an address, this machine's name, or one that was given.</summary>
    public bool IsHostGood(HttpRequest request) =>
        request.Host.Host is var host && (_hosts.Contains(host) || IPAddress.TryParse(host.Trim('[', ']'), out _));

    /// <summary>
    /// Whether a request does not come from a page of another site. Browsers say where requests come from; programs say nothing, and have
    /// no cookie that they would be made to send.
    /// </summary>
    public bool IsSiteGood(HttpRequest request)
    {
        var site = request.Headers["Sec-Fetch-Site"].ToString();
        var isFromHere = site is "" or "same-origin" or "none";
        if (!isFromHere)
            return request.Headers["Sec-Fetch-Mode"] == "navigate" && HttpMethods.IsGet(request.Method) && request.Path == "/";
        if (request.Headers.Origin.ToString() is { Length: > 0 } origin)
            return origin == $"{request.Scheme}://{request.Host}";
        var changes = !HttpMethods.IsGet(request.Method) && !HttpMethods.IsHead(request.Method);
        return !(changes || request.HttpContext.WebSockets.IsWebSocketRequest) || site.Length > 0 || !request.Cookies.ContainsKey(Cookie);
    }

    /// <summary>What whoever sent a request may do.</summary>
    public Right RightOf(HttpRequest request)
    {
        if (options.IsOpen)
            return Right.Admin;
        if (TokenOf(request) is { } token)
            return _tokens.GetValueOrDefault(Sessions.HashOf(token));
        return request.Cookies[Cookie] is { } secret && Sessions.IsGood(secret) ? Right.Admin : Right.Nothing;
    }

    /// <summary>Is cancelled when the session ends that a request is allowed by; never where it needs none.</summary>
    public CancellationToken EndOf(HttpRequest request) =>
        !options.IsOpen && TokenOf(request) is null && request.Cookies[Cookie] is { } secret
            ? Sessions.EndOf(secret) : CancellationToken.None;

    public void Dispose()
    {
        Sessions.Dispose();
        _hashing.Dispose();
    }

    /// <summary>The token that a request brings; null where it brings none. Other ways to authorise are a proxy's affair.</summary>
    private static string? TokenOf(HttpRequest request) =>
        request.Headers[HeaderNames.Authorization].ToString() is var given && given.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)
            ? given[Bearer.Length..] : null;

    /// <summary>Whether a password is the right one.</summary>
    /// <returns>Null where too many are looked at already.</returns>
    public async Task<bool?> IsPasswordAsync(string password, CancellationToken cancellation)
    {
        if (Interlocked.Increment(ref _waiting) > MostWaiting)
        {
            Interlocked.Decrement(ref _waiting);
            return null;
        }

        try
        {
            await _hashing.WaitAsync(cancellation).ConfigureAwait(false);
            try
            {
                return options.PasswordHash is { } hash
                    && await Task.Run(() => Password.Matches(password, hash), cancellation).ConfigureAwait(false);
            }
            finally
            {
                _hashing.Release();
            }
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }
}
