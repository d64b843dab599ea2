using System.Buffers;
using System.ComponentModel;
using System.Net.WebSockets;
using System.Text.Json;
using System.Threading.Channels;
using AstStream.Model.Checkpoints;
using AstStream.Station.Live;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace AstStream.Station.Web;

/// <summary>What happens now: events as they come, the spectrogram and the sound of a stream.</summary>
internal static class LiveApi
{
    private const int MostFollowers = 200;
    private const int MostLooked = 500; // streams that are looked at or listened to: a page looks at many
    private const int MostTaps = 20;
    private const int MostReceived = 65_536; // bytes of a viewer that has nothing to say

    private static readonly TimeSpan s_quiet = TimeSpan.FromSeconds(15); // after as long a line says that the connection lives
    private static readonly TimeSpan s_gathering = TimeSpan.FromMilliseconds(100); // between sendings: what comes meanwhile goes together
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10); // with a viewer that takes nothing

    public static void Map(RouteGroupBuilder api, WebSource source, CancellationToken stop)
    {
        var viewers = new int[1];
        api.MapGet("/live", (Delegate)((HttpContext context) => FollowAsync(context, source.Feed, stop)))
            .Needs(Right.Read).WithName("live").Produces(StatusCodes.Status200OK, contentType: "text/event-stream")
            .ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .WithSummary("Events as they are opened and closed, as server-sent events: opened or closed, with the event as data.");
        api.MapGet("/tap", (HttpContext context,
            [Description("What passes: blocks, scores, decided or events; events by default. May be given several times.")] string[]? of,
            [Description("Only streams whose names match, with * for anything.")] string? stream) =>
            TapAsync(context, source.Taps, of ?? [], stream, stop))
            .Needs(Right.Read).WithName("tap").Produces(StatusCodes.Status200OK, contentType: "application/x-ndjson")
            .ProducesProblem(StatusCodes.Status400BadRequest).ProducesProblem(StatusCodes.Status503ServiceUnavailable)
            .WithSummary("What passes the arrows of the graph, a line of JSON each. One who is slow misses some, and a line says how "
                + "many.");
        api.MapGet("/live/stream", (HttpContext context, [Description("The stream's name.")] string name,
            [Description("Whether its sound is sent.")] bool? sound, [Description("Whether its spectrogram is sent.")] bool? spectrogram) =>
            ViewAsync(context, source.Streams, name, new LiveViewer(sound == true, spectrogram == true), viewers, stop))
            .Needs(Right.Read).WithName("live_stream").Produces(StatusCodes.Status101SwitchingProtocols)
            .ProducesProblem(StatusCodes.Status404NotFound)
            .WithSummary("A WebSocket. First a text message: sample_rate, num_mel_bins, columns_per_second. Then binary ones: a byte 1 and "
                + "columns of the log-mel spectrogram, a byte a bin; or a byte 2 and samples of 16 bits, little-endian.");
    }

    private static async Task FollowAsync(HttpContext context, EventFeed feed, CancellationToken stop)
    {
        if (feed.Followers >= MostFollowers)
        {
            await Problems.Of(StatusCodes.Status503ServiceUnavailable, $"{MostFollowers} viewers follow already").ExecuteAsync(context)
                .ConfigureAwait(false);
            return;
        }

        var follower = feed.Follow();
        try
        {
            await PassOnAsync(context, follower.Reader, "text/event-stream", ":\n\n"u8.ToArray(), stop).ConfigureAwait(false);
        }
        finally
        {
            feed.Leave(follower);
        }
    }

    private static async Task TapAsync(HttpContext context, Taps taps, string[] of, string? stream, CancellationToken stop)
    {
        var points = new HashSet<TapPoint>();
        foreach (var word in of.DefaultIfEmpty(TapPoint.Events.Word()))
        {
            if (!EnumWords.All<TapPoint>().Contains(word))
            {
                await Problems.Bad($"of: found '{word}'; expected one of {string.Join(", ", EnumWords.All<TapPoint>())}")
                    .ExecuteAsync(context).ConfigureAwait(false);
                return;
            }

            points.Add(EnumWords.Parse<TapPoint>(word));
        }

        if (taps.Count >= MostTaps)
        {
            await Problems.Of(StatusCodes.Status503ServiceUnavailable, $"{MostTaps} taps are open already").ExecuteAsync(context)
                .ConfigureAwait(false);
            return;
        }

        var tap = new Tap(points, stream);
        taps.Add(tap);
        try
        {
            await PassOnAsync(context, tap.Lines, "application/x-ndjson", "\n"u8.ToArray(), stop).ConfigureAwait(false);
        }
        finally
        {
            taps.Remove(tap);
        }
    }

    /// <summary>Sends messages as they come, until the viewer goes or takes nothing, or the run ends.</summary>
    /// <param name="context">The call.</param>
    /// <param name="messages">What is sent.</param>
    /// <param name="type">The type of content.</param>
    /// <param name="alive">What is sent where nothing comes for a while, and says nothing.</param>
    /// <param name="stop">The run's end.</param>
    private static async Task PassOnAsync(
        HttpContext context, ChannelReader<byte[]> messages, string type, byte[] alive, CancellationToken stop)
    {
        try
        {
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stop);
            context.Response.ContentType = type;
            context.Response.Headers.CacheControl = "no-store";
            context.Response.BodyWriter.Write(alive);
            await FlushAsync(context, ended.Token).ConfigureAwait(false);
            while (true)
            {
                var waiting = messages.WaitToReadAsync(ended.Token).AsTask();
                while (await Task.WhenAny(waiting, Task.Delay(s_quiet, ended.Token)).ConfigureAwait(false) != waiting)
                {
                    context.Response.BodyWriter.Write(alive);
                    await FlushAsync(context, ended.Token).ConfigureAwait(false);
                }

                await waiting.ConfigureAwait(false); // where the viewer has gone, this says so
                while (messages.TryRead(out var message))
                    context.Response.BodyWriter.Write(message);
                await FlushAsync(context, ended.Token).ConfigureAwait(false);
                await Task.Delay(s_gathering, ended.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            // The viewer has gone, takes nothing, or the run has ended.
        }
    }

    /// <summary>Sends what was written, and gives up a viewer that does not take it.</summary>
    private static async Task FlushAsync(HttpContext context, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(s_patience);
        await context.Response.BodyWriter.FlushAsync(patience.Token).ConfigureAwait(false);
    }

    private static async Task ViewAsync(
        HttpContext context, LiveStreams streams, string name, LiveViewer viewer, int[] viewers, CancellationToken stop)
    {
        if (streams.Find(name) is not { } stream)
        {
            await Problems.NotFound("stream", name).ExecuteAsync(context).ConfigureAwait(false);
            return;
        }

        if (!context.WebSockets.IsWebSocketRequest)
        {
            await Problems.Bad("expected a WebSocket").ExecuteAsync(context).ConfigureAwait(false);
            return;
        }

        if (Interlocked.Increment(ref viewers[0]) > MostLooked)
        {
            Interlocked.Decrement(ref viewers[0]);
            await Problems.Of(StatusCodes.Status503ServiceUnavailable, $"{MostLooked} streams are looked at already").ExecuteAsync(context)
                .ConfigureAwait(false);
            return;
        }

        stream.Add(viewer);
        try
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync().ConfigureAwait(false);
            using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stop);
            var closing = ReadAsync(socket, ended);
            await SendAsync(socket, stream, viewer, ended.Token).ConfigureAwait(false);
            await ended.CancelAsync().ConfigureAwait(false);
            await closing.ConfigureAwait(false);
        }
        finally
        {
            stream.Remove(viewer);
            Interlocked.Decrement(ref viewers[0]);
        }
    }

    private static async Task SendAsync(WebSocket socket, LiveStream stream, LiveViewer viewer, CancellationToken cancellation)
    {
        try
        {
            var hello = JsonSerializer.SerializeToUtf8Bytes(new Dictionary<string, int>
            {
                ["sample_rate"] = stream.SampleRate,
                ["num_mel_bins"] = LiveStream.MelBins,
                ["columns_per_second"] = 100 / LiveStream.ColumnFrames,
            });
            await SendAsync(socket, hello, WebSocketMessageType.Text, cancellation).ConfigureAwait(false);
            while (await viewer.WaitAsync(cancellation).ConfigureAwait(false))
            {
                foreach (var message in viewer.Take())
                    await SendAsync(socket, message, WebSocketMessageType.Binary, cancellation).ConfigureAwait(false);
                await Task.Delay(s_gathering, cancellation).ConfigureAwait(false);
            }

            using var patience = new CancellationTokenSource(s_patience);
            await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, "the stream has ended", patience.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException or IOException)
        {
            // The viewer has gone, or takes nothing.
        }
    }

    private static async Task SendAsync(
        WebSocket socket, ReadOnlyMemory<byte> message, WebSocketMessageType type, CancellationToken cancellation)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(s_patience);
        await socket.SendAsync(message, type, endOfMessage: true, patience.Token).ConfigureAwait(false);
    }

    /// <summary>Hears when the viewer closes; what it sends is of no interest.</summary>
    private static async Task ReadAsync(WebSocket socket, CancellationTokenSource ended)
    {
        var buffer = new byte[256];
        try
        {
            WebSocketMessageType type;
            var received = 0;
            do
            {
                var read = await socket.ReceiveAsync(buffer.AsMemory(), ended.Token).ConfigureAwait(false);
                type = read.MessageType;
                received += read.Count;
            }
            while (type != WebSocketMessageType.Close && received < MostReceived);
        }
        catch (Exception e) when (e is OperationCanceledException or WebSocketException or IOException)
        {
            // It has gone.
        }

        await ended.CancelAsync().ConfigureAwait(false);
    }
}
