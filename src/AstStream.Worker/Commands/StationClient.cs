using System.CommandLine;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using AstStream.Station;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Pipelines;

namespace AstStream.Worker.Commands;

/// <summary>A running station, as commands ask it: by its address, or as its pipeline says.</summary>
internal sealed class StationClient : IDisposable
{
    private const string Usual = "http://127.0.0.1:8765";

    private const int MostAnswer = 16_000_000; // bytes

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly HttpClient _http;

    private StationClient(Uri address, string? token)
    {
        // A stream of answers has no end: each call has its own patience.
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = !address.IsLoopback };
        _http = new HttpClient(handler)
        {
            BaseAddress = address,
            Timeout = Timeout.InfiniteTimeSpan,
            MaxResponseContentBufferSize = MostAnswer,
        };
        if (token is { } given && !given.All(c => c is > ' ' and < '\x7F'))
            throw new IOException("--token: has a character that no token has; expected letters, digits and signs of ASCII");
        if (token is not null)
            _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
    }

    /// <summary>Where it is.</summary>
    public string Address => _http.BaseAddress!.GetComponents(UriComponents.SchemeAndServer, UriFormat.UriEscaped) + "/";

    /// <summary>The argument that names a station.</summary>
    public static Argument<string> Argument() => new("STATION")
    {
        Description = $"The station's address, or the pipeline that it is of; {Usual} by default.",
        DefaultValueFactory = _ => Usual,
        HelpName = "URL|PIPELINE.yaml",
    };

    /// <summary>The option that gives a token.</summary>
    public static Option<string?> TokenOption() => new("--token")
    {
        Description = "A token of the station, where it asks for one and the pipeline is not given; may be ${env:NAME} or ${file:PATH}.",
        HelpName = "TOKEN",
    };

    /// <summary>Finds a station.</summary>
    /// <returns>Null where the pipeline has none.</returns>
    /// <exception cref="IOException">What was given is neither an address nor a pipeline.</exception>
    public static StationClient? Of(string station, string? token, PipelineHost host)
    {
        token = token is null ? null : Expansion.Expand(token, Environment.CurrentDirectory, problem => throw new IOException(
            $"--token: {problem}"));
        if (Uri.TryCreate(station, UriKind.Absolute, out var address) && address.Scheme is "http" or "https")
            return new StationClient(address, token);
        if (!File.Exists(station))
            throw new IOException($"{station}: found neither an address such as {Usual} nor a pipeline's file");
        using var pipeline = Pipeline.Load(station, [], host);
        return Of(pipeline, token);
    }

    /// <summary>The station of a pipeline; null where it has none that is served.</summary>
    /// <param name="pipeline">The pipeline.</param>
    /// <param name="token">A token; null for the pipeline's own.</param>
    public static StationClient? Of(Pipeline pipeline, string? token = null) =>
        pipeline.Section<StationSettings>() is { Address: { } at } settings ? new StationClient(at, token ?? settings.Token) : null;

    /// <summary>What the station says of itself.</summary>
    /// <exception cref="IOException">It can't be asked.</exception>
    public async Task<JsonElement> GetAsync(string path, CancellationToken cancellation)
    {
        try
        {
            using var document = JsonDocument.Parse(await TextAsync(path, cancellation).ConfigureAwait(false));
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            throw new IOException($"{Address}: answers, but not as a station does: expected JSON of {path}");
        }
    }

    /// <summary>The same as text.</summary>
    /// <exception cref="IOException">It can't be asked.</exception>
    public async Task<string> TextAsync(string path, CancellationToken cancellation)
    {
        using var response = await SendAsync(path, HttpCompletionOption.ResponseContentRead, cancellation).ConfigureAwait(false);
        return await response.Content.ReadAsStringAsync(cancellation).ConfigureAwait(false);
    }

    /// <summary>Lines that the station sends until it, or the caller, ends.</summary>
    /// <exception cref="IOException">It can't be asked.</exception>
    public async Task<StreamReader> FollowAsync(string path, CancellationToken cancellation)
    {
        var response = await SendAsync(path, HttpCompletionOption.ResponseHeadersRead, cancellation).ConfigureAwait(false);
        return new StreamReader(await response.Content.ReadAsStreamAsync(cancellation).ConfigureAwait(false));
    }

    /// <summary>Whether it is ready; else why not.</summary>
    public async Task<string?> TroubleAsync(CancellationToken cancellation)
    {
        try
        {
            var answer = await GetAsync("health/ready", cancellation).ConfigureAwait(false);
            return answer.ValueKind == JsonValueKind.String && answer.GetString() == "ready" ? null
                : $"{Address}: answers, but not as a station does";
        }
        catch (IOException e)
        {
            return e.Message;
        }
    }

    public void Dispose() => _http.Dispose();

    private async Task<HttpResponseMessage> SendAsync(string path, HttpCompletionOption completion, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(s_patience);
        HttpResponseMessage response;
        try
        {
            response = await _http.GetAsync(new Uri(_http.BaseAddress!, path), completion, patience.Token).ConfigureAwait(false);
        }
        catch (HttpRequestException e)
        {
            throw new IOException(
                $"{Address}: no station answers: {e.GetBaseException().Message}; is a pipeline with a station running?", e);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new IOException($"{Address}: no answer within {s_patience.TotalSeconds:0} s");
        }

        if (response.IsSuccessStatusCode)
            return response;
        using (response)
        {
            throw new IOException($"{Address}: {response.StatusCode switch
            {
                HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden =>
                    "asks for a token: --token gives one, or its pipeline, where station.tokens has one",
                HttpStatusCode.NotFound => $"knows no {path}: expected a station of this version",
                >= HttpStatusCode.MultipleChoices and < HttpStatusCode.BadRequest => "leads elsewhere; expected a station's own address",
                _ => await ReasonAsync(response, cancellation).ConfigureAwait(false),
            }}");
        }
    }

    /// <summary>What a problem (RFC 9457) says, or the status.</summary>
    private static async Task<string> ReasonAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        try
        {
            using var problem = JsonDocument.Parse(
                await response.Content.ReadAsByteArrayAsync(cancellation).WaitAsync(s_patience, cancellation).ConfigureAwait(false));
            if (problem.RootElement is { ValueKind: JsonValueKind.Object } body && body.TryGetProperty("detail", out var detail)
                && detail.ValueKind == JsonValueKind.String)
                return detail.GetString()!;
        }
        catch (Exception e) when (e is JsonException or TimeoutException or HttpRequestException)
        {
            // Then the status has to do.
        }

        return $"answers {(int)response.StatusCode}";
    }
}
