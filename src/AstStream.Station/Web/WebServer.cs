using System.Net.Sockets;
using AstStream.Station.Find;
using AstStream.Station.Store;
using AstStream.Streaming.Telemetry;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Net.Http.Headers;
using OpenTelemetry;
using OpenTelemetry.Metrics;

namespace AstStream.Station.Web;

/// <summary>Serves the page, the API, probes and metrics.</summary>
internal sealed class WebServer : IAsyncDisposable
{
    private const string Api = "/api/v1";
    private const int MostConnections = 1500;
    private const int MostOfStrangers = 1000; // of these, from addresses that nobody with a right has called from
    private const int MostOfOne = 400; // of one address, behind which an office may be
    private const int MostBody = 1 << 20;

    private static readonly TimeSpan s_alive = TimeSpan.FromSeconds(15); // between signs of life of a viewer
    private static readonly TimeSpan s_stopping = TimeSpan.FromSeconds(2);

    private readonly WebApplication _app;
    private readonly MeterProvider _meters;
    private readonly Access _access;
    private readonly SoundFinder _finder;
    private readonly CancellationTokenSource _stop;
    private readonly Task _liveness;

    private WebServer(
        WebApplication app, MeterProvider meters, Access access, SoundFinder finder, CancellationTokenSource stop, Task liveness) =>
        (_app, _meters, _access, _finder, _stop, _liveness) = (app, meters, access, finder, stop, liveness);

    /// <summary>Where it is served.</summary>
    public string Address => _app.Urls.First();

    /// <summary>Its routes.</summary>
    internal IReadOnlyList<Endpoint> Routes => _app.Services.GetRequiredService<EndpointDataSource>().Endpoints;

    /// <summary>Begins to serve.</summary>
    /// <exception cref="IOException">The address can't be had.</exception>
    public static async Task<WebServer> StartAsync(
        WebOptions options, WebSource source, ILoggerProvider log, TimeProvider time, CancellationToken cancellation)
    {
        var stop = new CancellationTokenSource();
        var access = new Access(options, time);
        var liveness = new Liveness(source.Run);
        var meters = Sdk.CreateMeterProviderBuilder().AddMeter(source.Run.Meter).AddPrometheusExporter(o =>
        {
            (o.ScopeInfoEnabled, o.TargetInfoEnabled) = (false, false);
            o.ScrapeResponseCacheDurationMilliseconds = 0; // what is asked for is what is now
        }).Build();
        var limit = new ConnectionLimit(MostOfOne, MostOfStrangers, options.Proxies);
        var app = Build(options, limit, log);
        Protect(app, options, access, limit);
        var finder = new SoundFinder(source.Store, time);
        Map(app, source, access, finder, liveness, meters, time, stop.Token);
        try
        {
            await app.StartAsync(cancellation).ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            await app.DisposeAsync().ConfigureAwait(false);
            meters.Dispose();
            access.Dispose();
            await finder.DisposeAsync().ConfigureAwait(false);
            stop.Dispose();
            throw new IOException(
                $"station.listen: {options.Address}: the page can't be served there: {e.GetBaseException().Message}; expected an address "
                    + "of this machine and a port that no other program has", e);
        }

        return new WebServer(app, meters, access, finder, stop, liveness.RunAsync(stop.Token));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _liveness.ConfigureAwait(false);
        await _app.StopAsync().ConfigureAwait(false);
        await _app.DisposeAsync().ConfigureAwait(false);
        await _finder.DisposeAsync().ConfigureAwait(false);
        _meters.Dispose();
        _access.Dispose();
        _stop.Dispose();
    }

    private static WebApplication Build(WebOptions options, ConnectionLimit limit, ILoggerProvider log)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.AddProvider(log).SetMinimumLevel(LogLevel.Warning).AddFilter("Microsoft", LogLevel.None);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(options.Address, l => l.Use(limit.Wrap));
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MostBody;
            kestrel.Limits.MaxConcurrentConnections = MostConnections;
            kestrel.Limits.MaxConcurrentUpgradedConnections = MostConnections;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
            kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(15); // for a connection's first byte, too
        });
        builder.Services
            .Configure<HostOptions>(o => o.ShutdownTimeout = s_stopping)
            .AddSingleton<IHostLifetime, GivenLifetime>()
            .ConfigureHttpJsonOptions(o => WebJson.Configure(o.SerializerOptions))
            .Configure<RouteHandlerOptions>(o => o.ThrowOnBadRequest = true)
            .AddRoutingCore()
            .AddProblemDetails()
            .AddOpenApi("v1", OpenApi.Configure);
        return builder.Build();
    }

    /// <summary>What every request goes through before it reaches a route.</summary>
    private static void Protect(WebApplication app, WebOptions options, Access access, ConnectionLimit limit)
    {
        if (options.Proxies.Count > 0)
        {
            var forwarded = new ForwardedHeadersOptions
            { ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto }; // and no host: pages could send one
            forwarded.KnownIPNetworks.Clear();
            forwarded.KnownProxies.Clear();
            foreach (var proxy in options.Proxies)
                forwarded.KnownProxies.Add(proxy);
            app.UseForwardedHeaders(forwarded);
        }

        app.UseExceptionHandler(new ExceptionHandlerOptions { ExceptionHandler = ExplainAsync, SuppressDiagnosticsCallback = _ => true });
        app.UseStatusCodePages();
        app.Use((context, next) =>
        {
            SecurityHeaders.Set(context.Response.Headers);
            return !access.IsHostGood(context.Request) ? Refuse(
                    context, StatusCodes.Status421MisdirectedRequest, "this station has no such name: station.hosts lists its names")
                : !access.IsSiteGood(context.Request) ? Refuse(
                    context, StatusCodes.Status403Forbidden, "the request comes from a page of another site")
                : !IsUtf8(context.Request) ? Refuse(context, StatusCodes.Status415UnsupportedMediaType, "expected a body in UTF-8")
                : next(context);
        });
        app.UseWebSockets(new WebSocketOptions { KeepAliveInterval = s_alive, KeepAliveTimeout = s_alive });
        app.UseRouting();
        app.Use((context, next) =>
        {
            if (context.GetEndpoint() is not RouteEndpoint endpoint)
                return next(context); // no route, or the framework's own answer to a wrong method or type
            var right = access.RightOf(context.Request);
            if (right > Right.Nothing && context.Connection.RemoteIpAddress is { } address)
                limit.Know(address);
            return endpoint.Metadata.GetMetadata<NeedsRight>() is { } needs && right >= needs.Right
                ? needs.Right == Right.Nothing ? next(context) : WithinSessionAsync(context, next, access.EndOf(context.Request))
                : right == Right.Nothing ? Refuse(context, StatusCodes.Status401Unauthorized, "expected a login or a token")
                : Refuse(context, StatusCodes.Status403Forbidden, "this token does not allow that");
        });
    }

    /// <summary>Answers a request; what goes on for long ends with the session that allows it.</summary>
    private static async Task WithinSessionAsync(HttpContext context, RequestDelegate next, CancellationToken end)
    {
        if (!end.CanBeCanceled)
        {
            await next(context).ConfigureAwait(false);
            return;
        }

        var aborted = context.RequestAborted;
        using var either = CancellationTokenSource.CreateLinkedTokenSource(aborted, end);
        context.RequestAborted = either.Token;
        try
        {
            await next(context).ConfigureAwait(false);
        }
        finally
        {
            context.RequestAborted = aborted;
        }
    }

    private static void Map(
        WebApplication app, WebSource source, Access access, SoundFinder finder, Liveness liveness, MeterProvider meters,
        TimeProvider time, CancellationToken stop)
    {
        var api = app.MapGroup(Api).WithTags("station");
        LoginApi.Map(api, access);
        EventsApi.Map(api, source, time);
        FindApi.Map(api, source, finder);
        ClipsApi.Map(api, source);
        StreamsApi.Map(api, source);
        LevelsApi.Map(api, source);
        PipelineApi.Map(api, source);
        ModelsApi.Map(api, source, time);
        LiveApi.Map(api, source, stop);
        HealthApi.Map(api, app, source, liveness);
        app.MapOpenApi(Api + "/openapi.json").Needs(Right.Nothing);
        app.MapPrometheusScrapingEndpoint("/metrics", meters, configureBranchedPipeline: null, optionsName: null).Needs(Right.Read)
            .WithMetadata(new HttpMethodMetadata(["GET", "HEAD"]));
        PageFiles.Map(app);
    }

    private static bool IsUtf8(HttpRequest request) =>
        !MediaTypeHeaderValue.TryParse(request.ContentType, out var type) || type.Charset.Length == 0
        || type.Charset.Equals("utf-8", StringComparison.OrdinalIgnoreCase);

    private static Task Refuse(HttpContext context, int status, string why) => Problems.Of(status, why).ExecuteAsync(context);

    /// <summary>What failed, in a problem document: the caller's mistake, or what the store says.</summary>
    private static Task ExplainAsync(HttpContext context)
    {
        var (status, why) = context.Features.Get<IExceptionHandlerFeature>()?.Error switch
        {
            BadHttpRequestException e => (e.StatusCode, Printable.Text(Problems.OfBinding((e.InnerException ?? e).Message))),
            StoreException e => (StatusCodes.Status503ServiceUnavailable, Printable.Text(e.Message)),
            IOException or UnauthorizedAccessException => (StatusCodes.Status503ServiceUnavailable, "a file can't be read"),
            _ => (StatusCodes.Status500InternalServerError, "this is a mistake in AstStream itself; please report it"),
        };
        return Refuse(context, status, why);
    }
}
