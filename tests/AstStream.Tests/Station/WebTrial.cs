using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using AstStream.Events;
using AstStream.Station.Clips;
using AstStream.Station.Live;
using AstStream.Station.Store;
using AstStream.Station.Web;
using AstStream.Streaming.Telemetry;
using Microsoft.Extensions.Logging.Abstractions;

namespace AstStream.Tests.Station;

/// <summary>A station's page over a store with a few events.</summary>
public abstract class WebTrial : StoreTrial, IAsyncLifetime
{
    private protected readonly RunReport _report = new();
    private protected WebServer? _server;

    private protected StoreSink Sink { get; private set; } = null!;

    private protected LiveStreams Streams { get; } = new();

    private protected EventFeed Feed { get; } = new();

    private protected string Clips => Path.Combine(_folder, "clips");

    private protected HttpClient Client { get; } = new(new HttpClientHandler { UseCookies = false });

    /// <summary>Who may look at it; everybody on this machine by default.</summary>
    private protected virtual WebOptions Options => new(new IPEndPoint(IPAddress.Loopback, 0));

    /// <summary>What may be changed of the pipeline; nothing by default.</summary>
    private protected virtual IPipelineControl? Control => null;

    public virtual async Task InitializeAsync()
    {
        Sink = StoreSink.Make(Store, TimeSpan.FromDays(365), _time);
        await Sink.OpenAsync(CancellationToken.None);
        _server = await StartAsync(Options);
        Client.BaseAddress = new Uri(_server.Address);
    }

    public async Task DisposeAsync()
    {
        if (_server is not null)
            await _server.DisposeAsync();
        await Sink.DisposeAsync();
        Client.Dispose();
        _report.Dispose();
    }

    private protected Task<WebServer> StartAsync(WebOptions options) => WebServer.StartAsync(
        options,
        new WebSource
        {
            Store = Store,
            ClipPath = file => ClipFolder.FullPath(Clips, file),
            Streams = Streams,
            Feed = Feed,
            Taps = new Taps(),
            Write = Sink.Use,
            ClipTroubles = () => [],
            Run = new RunState(_report, () => true, () => [], "1.2.3", Control) { Meter = "none" }, // there are too many of other tests
        },
        NullLoggerProvider.Instance, _time, CancellationToken.None);

    /// <summary>Puts events into the store.</summary>
    private protected void Keep(params IEnumerable<SoundEvent> events) => Sink.Use(writer =>
    {
        foreach (var e in events)
            writer.Add(e);
        writer.Commit();
    });

    private protected async Task<JsonElement> GetAsync(string path)
    {
        var response = await Client.GetAsync(new Uri("/api/v1" + path, UriKind.Relative));
        Assert.True(response.IsSuccessStatusCode, $"{path}: {response.StatusCode} {await response.Content.ReadAsStringAsync()}");
        return await response.Content.ReadFromJsonAsync<JsonElement>();
    }

    /// <summary>The status of an answer, and what it says is wrong.</summary>
    private protected async Task<(HttpStatusCode Status, string Detail)> TryAsync(HttpRequestMessage request)
    {
        using (request)
        {
            using var response = await Client.SendAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            if (response.Content.Headers.ContentType?.MediaType != "application/problem+json")
                return (response.StatusCode, text);
            return (response.StatusCode, JsonDocument.Parse(text).RootElement.TryGetProperty("detail", out var d) ? d.GetString()! : "");
        }
    }

    private protected static HttpRequestMessage Request(HttpMethod method, string path, object? body = null) =>
        new(method, new Uri("/api/v1" + path, UriKind.Relative)) { Content = body is null ? null : JsonContent.Create(body) };
}
