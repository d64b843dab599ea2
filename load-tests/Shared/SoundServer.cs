using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;

namespace AstStream.LoadTest;

/// <summary>A server of endless live sound on this machine that does to its listeners what networks and cameras do.</summary>
internal abstract class SoundServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<TcpClient> _clients = [];
    private readonly Task _accepting;
    private int _connections;

    protected SoundServer()
    {
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public int Connections => Volatile.Read(ref _connections);

    /// <summary>While set, listeners stay connected and hear nothing.</summary>
    public bool IsStalled { get; set; }

    /// <summary>While set, who connects is sent away.</summary>
    public bool IsDown { get; set; }

    /// <summary>While set, noise comes in place of sound.</summary>
    public bool IsGarbage { get; set; }

    protected Random Random { get; } = new(7);

    /// <summary>Cuts all connections.</summary>
    public void Cut()
    {
        lock (_clients)
        {
            _clients.ForEach(c => c.Close());
            _clients.Clear();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        Cut();
        await _accepting;
    }

    protected abstract Task ServeAsync(NetworkStream stream, CancellationToken stop);

    /// <summary>Calls for sound in real time: every so often, for the time that has passed.</summary>
    protected async Task PaceAsync(Func<double, Task> send, CancellationToken stop)
    {
        var clock = Stopwatch.StartNew();
        for (double sent = 0; ;)
        {
            await Task.Delay(20, stop);
            var now = clock.Elapsed.TotalSeconds;
            if (!IsStalled)
                await send(now - sent);
            sent = now;
        }
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                if (IsDown)
                {
                    client.Close();
                    continue;
                }

                client.NoDelay = true;
                Interlocked.Increment(ref _connections);
                lock (_clients)
                    _clients.Add(client);
                _ = ServeOneAsync(client);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // It is over.
        }
    }

    private async Task ServeOneAsync(TcpClient client)
    {
        try
        {
            await ServeAsync(client.GetStream(), _stop.Token);
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // The listener is gone, or cut off.
        }

        client.Close();
    }
}

/// <summary>HTTP as Icecast speaks it: a file over and over, in real time, two seconds of it at once to who connects.</summary>
internal sealed class HttpServer(byte[] sound, double bytesPerSecond, string type) : SoundServer
{
    private const double Burst = 2;

    public string Url => $"http://127.0.0.1:{Port}/live";

    /// <summary>The status line's rest.</summary>
    public string Status { get; set; } = "200 OK";

    protected override async Task ServeAsync(NetworkStream stream, CancellationToken stop)
    {
        _ = await stream.ReadAsync(new byte[4096], stop);
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.0 {Status}\r\nContent-Type: {type}\r\n\r\n"), stop);
        if (Status[0] != '2')
            return;
        long at = 0;
        var owed = Burst * bytesPerSecond;
        async Task SendAsync(double seconds)
        {
            owed += seconds * bytesPerSecond;
            var bytes = new byte[(int)owed];
            owed -= bytes.Length;
            for (var i = 0; i < bytes.Length; i++)
                bytes[i] = IsGarbage ? (byte)Random.Next(256) : sound[at++ % sound.Length];
            await stream.WriteAsync(bytes, stop);
        }

        await PaceAsync(SendAsync, stop);
    }
}

/// <summary>RTSP with the sound interleaved in its own connection, as cameras speak it: µ-law at 8 kHz.</summary>
internal sealed partial class RtspServer : SoundServer
{
    private const int Rate = 8000;

    public string Url => $"rtsp://127.0.0.1:{Port}/stream1";

    /// <summary>user:password that it wants to see, Basic.</summary>
    public string? Login { get; set; }

    /// <summary>What the session description says of the sound.</summary>
    public string Codec { get; set; } = "m=audio 0 RTP/AVP 0\r\n";

    protected override async Task ServeAsync(NetworkStream stream, CancellationToken stop)
    {
        using var reader = new StreamReader(stream, Encoding.Latin1, leaveOpen: true);
        while (await ReadRequestAsync(reader, stop) is { } request)
        {
            var sequence = CSeq().Match(request).Groups[1].Value;
            var method = request.Split(' ')[0];
            var isAllowed = Login is null || method == "OPTIONS"
                || request.Contains("Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes(Login)), StringComparison.Ordinal);
            var body = method == "DESCRIBE"
                ? $"v=0\r\no=- 0 0 IN IP4 127.0.0.1\r\ns=test\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n{Codec}a=control:track1\r\n" : "";
            var headers = method switch
            {
                "OPTIONS" => "Public: OPTIONS, DESCRIBE, SETUP, PLAY, TEARDOWN\r\n",
                "DESCRIBE" => $"Content-Base: {Url}/\r\nContent-Type: application/sdp\r\nContent-Length: {body.Length}\r\n",
                "SETUP" => "Session: 1\r\nTransport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n",
                _ => "Session: 1\r\n",
            };
            var answer = isAllowed ? $"RTSP/1.0 200 OK\r\nCSeq: {sequence}\r\n{headers}\r\n{body}"
                : $"RTSP/1.0 401 Unauthorized\r\nCSeq: {sequence}\r\nWWW-Authenticate: Basic realm=\"camera\"\r\n\r\n";
            await stream.WriteAsync(Encoding.Latin1.GetBytes(answer), stop);
            if (method == "PLAY")
                await PlayAsync(stream, stop);
        }
    }

    private async Task PlayAsync(NetworkStream stream, CancellationToken stop)
    {
        const int size = 160;
        var (packet, owed) = (0, 0.0);
        await PaceAsync(
            async seconds =>
            {
                for (owed += seconds * Rate; owed >= size; owed -= size, packet++)
                {
                    var bytes = new byte[4 + 12 + size];
                    bytes[0] = (byte)'$';
                    bytes[3] = 12 + size;
                    bytes[4] = 0x80;
                    (bytes[6], bytes[7]) = ((byte)(packet >> 8), (byte)packet);
                    var time = packet * size;
                    (bytes[8], bytes[9], bytes[10], bytes[11]) = ((byte)(time >> 24), (byte)(time >> 16), (byte)(time >> 8), (byte)time);
                    for (var i = 0; i < size; i++)
                        bytes[16 + i] = (byte)((i / 8 % 2 == 0 ? 0x8F : 0x0F) + Random.Next(3)); // a loud buzz
                    if (IsGarbage)
                        Random.NextBytes(bytes);
                    await stream.WriteAsync(bytes, stop);
                }
            },
            stop);
    }

    private static async Task<string?> ReadRequestAsync(StreamReader reader, CancellationToken stop)
    {
        var request = new StringBuilder();
        while (await reader.ReadLineAsync(stop) is { } line)
        {
            if (line.Length == 0)
                return request.ToString();
            request.Append(CultureInfo.InvariantCulture, $"{line}\r\n");
        }

        return null;
    }

    [GeneratedRegex(@"CSeq: (\d+)")]
    private static partial Regex CSeq();
}
