using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;

namespace AstStream.Connectors.Hub;

/// <summary>Requests to a hub: redirects, refusals, stalls and tries again.</summary>
internal sealed class HubHttp : IDisposable
{
    /// <summary>The header in which a hub tells the hash of a large file, which is kept elsewhere.</summary>
    public const string LinkedETag = "X-Linked-Etag";

    private const int MaxRedirects = 5;
    private const int MaxAttempts = 100; // with progress in between

    private readonly HubOptions _options;
    private readonly HttpClient _http;

    public HubHttp(HubOptions options)
    {
        _options = options;
        _http = new HttpClient(
            new SocketsHttpHandler
            {
                AllowAutoRedirect = false,
                ConnectTimeout = options.StallTimeout
            })
        { Timeout = Timeout.InfiniteTimeSpan };
        _http.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("aststream", "1"));
    }

    public void Dispose() => _http.Dispose();

    /// <summary>
    /// Sends a request; redirects are followed by hand, so that the token stays with the endpoint's host and nothing falls back to http.
    /// </summary>
    public async Task<HttpResponseMessage> SendAsync(
        HubReference model, HttpMethod method, Uri uri, long from, bool follow, CancellationToken cancellation)
    {
        for (var redirects = 0; ; redirects++)
        {
            using var request = new HttpRequestMessage(method, uri);
            if (_options.Token is { } token && uri.Authority == _options.Endpoint.Authority && uri.Scheme == _options.Endpoint.Scheme)
                request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            if (from > 0)
                request.Headers.Range = new RangeHeaderValue(from, null);
            using var stall = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            stall.CancelAfter(_options.StallTimeout);
            var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stall.Token).ConfigureAwait(false);
            try
            {
                if (response.StatusCode is HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther
                    or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect
                    && response.Headers.Location is { } location)
                {
                    var next = new Uri(uri, location);
                    if (!follow && (next.Authority != uri.Authority || response.Headers.Contains(LinkedETag)))
                        return response; // a large file's description is here, its bytes elsewhere
                    if (redirects == MaxRedirects)
                        throw new HubException($"{model}: {uri.Host} redirects more than {MaxRedirects} times");
                    if (next.Scheme != "https" && next.Scheme != uri.Scheme)
                        throw new HubException($"{model}: {uri.Host} redirects from {uri.Scheme} to {next.Scheme}; that is not followed");
                    uri = next;
                    response.Dispose();
                    continue;
                }

                if (!response.IsSuccessStatusCode && response.StatusCode != HttpStatusCode.RequestedRangeNotSatisfiable)
                    throw Failed(model, uri, response);
                return response;
            }
            catch
            {
                response.Dispose();
                throw;
            }
        }
    }

    private Exception Failed(HubReference model, Uri uri, HttpResponseMessage response)
    {
        var code = (int)response.StatusCode;
        if (code is 408 or 429 or >= 500)
            return new BusyException($"{uri.Host} answers {code} {response.ReasonPhrase}", RetryAfter(response));
        return new HubException(code switch
        {
            401 or 403 =>
                $"{model}: {uri.Host} answers {code}: "
                    + (_options.Token is null
                        ? "it is private, gated, or not there; give a token in HF_TOKEN"
                        : "the token in HF_TOKEN is not allowed to read it; has its licence been accepted on the hub?"),
            404 => $"{model}: {uri.Host} answers 404: there is no such model, revision or file; is it spelt right?",
            _ => $"{model}: {uri.Host} answers {code} {response.ReasonPhrase} to {uri.AbsolutePath}",
        });
    }

    private TimeSpan? RetryAfter(HttpResponseMessage response) => response.Headers.RetryAfter switch
    {
        { Delta: { } delta } => delta,
        { Date: { } date } => date - _options.Time.GetUtcNow(),
        _ => null,
    };

    /// <summary>Tries again what may pass, with growing pauses; progress in between starts the count over.</summary>
    public async Task<T> RetryAsync<T>(
        HubReference model, Uri uri, Func<Action, CancellationToken, Task<T>> work, CancellationToken cancellation)
    {
        var failures = 0;
        for (var attempt = 1; ; attempt++)
        {
            var hasAdvanced = false;
            try
            {
                return await work(() => hasAdvanced = true, cancellation).ConfigureAwait(false);
            }
            catch (Exception e) when (
                e is HttpRequestException { InnerException: not AuthenticationException } or HttpIOException or BusyException
                    or IOException { InnerException: SocketException }
                || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
            {
                failures = hasAdvanced ? 1 : failures + 1;
                var why = e is OperationCanceledException
                    ? $"{uri.Host} sent nothing for {_options.StallTimeout.TotalSeconds:0} s" : e.GetBaseException().Message;
                if (failures > _options.MaxRetries || attempt == MaxAttempts)
                    throw new HubException(
                        $"{model}: gave up on {uri.Authority} after {attempt} attempts: {why}. What is here stays; the same command goes "
                            + $"on from there");
                var asked = (e as BusyException)?.RetryAfter ?? (_options.FirstPause * Math.Pow(2, failures - 1));
                var pause = TimeSpan.FromTicks(Math.Clamp(asked.Ticks, 0, _options.MaxPause.Ticks));
                _options.OnRetry?.Invoke($"{why}; trying again in {pause.TotalSeconds:0.#} s");
                await Task.Delay(pause, _options.Time, cancellation).ConfigureAwait(false);
            }
            catch (HttpRequestException e)
            {
                throw new HubException($"{model}: no trusted connection to {uri.Authority}: {e.GetBaseException().Message}");
            }
        }
    }

    private sealed class BusyException(string message, TimeSpan? retryAfter) : Exception(message)
    {
        public TimeSpan? RetryAfter => retryAfter;
    }
}
