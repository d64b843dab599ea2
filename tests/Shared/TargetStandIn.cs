using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Extensions;

namespace AstStream.Tests.Shared;

/// <summary>
/// A server in the place of ntfy's, Gotify's, Telegram's or somebody's own: remembers what it gets, and answers as it is asked to.
/// </summary>
internal sealed class TargetStandIn : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<Request> _requests = new();
    private readonly Func<HttpContext, int, Task> _answer;
    private int _count;

    private TargetStandIn(WebApplication app, Func<HttpContext, int, Task> answer)
    {
        (_app, _answer) = (app, answer);
        app.Run(TakeAsync);
    }

    /// <summary>Where it is.</summary>
    public string Address => _app.Urls.First();

    /// <summary>What it got and answered with 200, in order.</summary>
    public IReadOnlyList<Request> Taken => [.. _requests.Where(r => r.Status == 200)];

    /// <summary>All that it got, in order.</summary>
    public IReadOnlyList<Request> All => [.. _requests];

    /// <summary>Begins to listen.</summary>
    /// <param name="answer">Answers a request, whose number from 0 is given; 200 by default.</param>
    /// <param name="certificate">For HTTPS.</param>
    /// <param name="port">The port; any by default.</param>
    public static async Task<TargetStandIn> StartAsync(
        Func<HttpContext, int, Task>? answer = null, X509Certificate2? certificate = null, int port = 0)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(k =>
        {
            k.Listen(IPAddress.Loopback, port, l =>
            {
                if (certificate is not null)
                    l.UseHttps(certificate);
            });
        });
        if (certificate is not null)
            builder.WebHost.UseKestrelHttpsConfiguration();
        var standIn = new TargetStandIn(builder.Build(), answer ?? ((_, _) => Task.CompletedTask));
        await standIn._app.StartAsync();
        return standIn;
    }

    /// <summary>Waits until it has taken so many requests, for half a minute at most.</summary>
    public async Task<IReadOnlyList<Request>> TakenAsync(int count)
    {
        for (var i = 0; i < 3000 && Taken.Count < count; i++)
            await Task.Delay(10);
        return Taken;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(new CancellationToken(canceled: true));
        await _app.DisposeAsync();
    }

    private async Task TakeAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        body.Position = 0;
        context.Request.Body = body;
        var number = Interlocked.Increment(ref _count) - 1;
        await _answer(context, number);
        _requests.Enqueue(new Request(
            context.Request.Method, context.Request.GetEncodedPathAndQuery(),
            context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase), body.ToArray(),
            TimeProvider.System.GetUtcNow(), context.Response.StatusCode));
    }

    /// <summary>A request and how it was answered.</summary>
    internal sealed record Request(
        string Method, string Path, IReadOnlyDictionary<string, string> Headers, byte[] Body, DateTimeOffset At, int Status)
    {
        public string Text => Encoding.UTF8.GetString(Body);
    }
}
