using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;

namespace AstStream.IntegrationTests.Hub;

/// <summary>A request as the server saw it.</summary>
internal sealed record Seen(string Method, string Path, string Host, string? Authorization, string? Range);

/// <summary>What goes wrong with one answer.</summary>
internal sealed record Fault
{
    /// <summary>A status in place of the answer.</summary>
    public int? Status { get; init; }

    /// <summary>Retry-After, in seconds, beside it.</summary>
    public int? RetryAfter { get; init; }

    /// <summary>The connection is cut after so many bytes of the body.</summary>
    public int? CutAfter { get; init; }

    /// <summary>Nothing more comes after so many bytes of the body.</summary>
    public int? StallAfter { get; init; }

    /// <summary>The body has a byte changed.</summary>
    public bool Corrupt { get; init; }

    /// <summary>The range that was asked for is not heeded.</summary>
    public bool IgnoreRange { get; init; }

    /// <summary>The answer is a redirect to here.</summary>
    public string? Location { get; init; }
}

/// <summary>
/// A server that speaks the hub's routes over raw sockets, so that it can cut, stall and lie: /api/models/…/revision/…, /…/resolve/…
/// with redirects of large files to another host, as the hub's.
/// </summary>
internal sealed class FakeHub : IDisposable
{
    public const string Commit = "0123456789abcdef0123456789abcdef01234567";
    public const string Model = "someone/ast";

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();

    public FakeHub()
    {
        _listener.Start();
        _ = AcceptAsync();
    }

    public Uri Endpoint => new($"http://127.0.0.1:{Port}");

    public Dictionary<string, byte[]> Files { get; } = [];

    /// <summary>Files that are kept on another host.</summary>
    public HashSet<string> Large { get; } = [];

    public string? Token { get; init; }

    /// <summary>The path that it lies under.</summary>
    public string Prefix { get; init; } = "";

    /// <summary>Another size than the file's, by file.</summary>
    public Dictionary<string, long> Sizes { get; } = [];

    /// <summary>What goes wrong, in turn, by method and the path's end.</summary>
    public ConcurrentDictionary<string, ConcurrentQueue<Fault>> Faults { get; } = new();

    public ConcurrentQueue<Seen> Requests { get; } = new();

    private int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public void Fail(string methodAndFile, params Fault[] faults) => Faults[methodAndFile] = new ConcurrentQueue<Fault>(faults);

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
        _stop.Dispose();
    }

    public static string ETag(byte[] bytes, bool large) => Convert.ToHexStringLower(
#pragma warning disable CA5350 // git's hash
        large ? SHA256.HashData(bytes) : SHA1.HashData([.. Encoding.ASCII.GetBytes($"blob {bytes.Length}\0"), .. bytes]));
#pragma warning restore CA5350

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
        {
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                await using var stream = client.GetStream();
                using var reader = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
                while (await reader.ReadLineAsync(_stop.Token) is { Length: > 0 } first)
                {
                    var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
                    while (await reader.ReadLineAsync(_stop.Token) is { Length: > 0 } line)
                        headers[line[..line.IndexOf(':', StringComparison.Ordinal)]] = line[(
                            line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
                    var parts = first.Split(' ');
                    var seen = new Seen(
                        parts[0], parts[1], headers["Host"], headers.GetValueOrDefault("Authorization"),
                        headers.GetValueOrDefault("Range"));
                    Requests.Enqueue(seen);
                    if (!await AnswerAsync(stream, seen))
                        return;
                }
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or SocketException)
            {
            }
        }
    }

    /// <summary>False where the connection shall be cut.</summary>
    private async Task<bool> AnswerAsync(NetworkStream stream, Seen seen)
    {
        var file = seen.Path[(seen.Path.LastIndexOf('/') + 1)..];
        var fault = Faults.TryGetValue($"{seen.Method} {file}", out var queue) && queue.TryDequeue(out var next) ? next : new Fault();
        var isHead = seen.Method == "HEAD";
        if (fault.Status is { } status)
            return await SendAsync(stream, status, fault.RetryAfter is { } after ? $"Retry-After: {after}\r\n" : "", [], isHead, fault);
        if (fault.Location is { } location)
            return await SendAsync(stream, 302, $"Location: {location}\r\n", [], isHead, fault);
        if (Token is not null && !seen.Path.StartsWith("/cdn/", StringComparison.Ordinal) && seen.Authorization != $"Bearer {Token}")
            return await SendAsync(stream, 401, "", [], isHead, fault);
        if (seen.Path.StartsWith($"{Prefix}/api/models/{Model}/revision/", StringComparison.Ordinal) && file is "main" or Commit)
            return await SendAsync(stream, 200, "", Encoding.UTF8.GetBytes($$"""{"sha":"{{Commit}}","siblings":[{{string.Join(',', Files.Keys.Select(f => $$"""{"rfilename":"{{f}}"}"""))}}]}"""), isHead, fault);
        var isCdn = seen.Path.StartsWith("/cdn/", StringComparison.Ordinal);
        if ((!isCdn && !seen.Path.StartsWith($"{Prefix}/{Model}/resolve/{Commit}/", StringComparison.Ordinal))
            || !Files.TryGetValue(file, out var bytes))
            return await SendAsync(stream, 404, "", [], isHead, fault);
        var large = Large.Contains(file);
        var size = Sizes.GetValueOrDefault(file, bytes.Length);
        var etag = ETag(bytes, large);
        if (large && !isCdn)
            return await SendAsync(
                stream, 302, $"Location: http://localhost:{Port}/cdn/{file}\r\nX-Linked-Etag: \"{etag}\"\r\nX-Linked-Size: {size}\r\n", [],
                isHead, fault);
        bytes = [.. bytes];
        if (fault.Corrupt)
            bytes[^1] ^= 0x55;
        var from = seen.Range is { } range && !fault.IgnoreRange ? int.Parse(range["bytes=".Length..^1], CultureInfo.InvariantCulture) : 0;
        if (from >= bytes.Length && from > 0)
            return await SendAsync(stream, 416, "", [], isHead, fault);
        var more = from > 0 ? $"Content-Range: bytes {from}-{bytes.Length - 1}/{bytes.Length}\r\n" : "";
        return await SendAsync(
            stream, from > 0 ? 206 : 200, $"{more}ETag: \"{etag}\"\r\n", bytes[from..], isHead, fault, isHead ? size : null);
    }

    private async Task<bool> SendAsync(
        NetworkStream stream, int status, string headers, byte[] body, bool isHead, Fault fault, long? length = null)
    {
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes($"HTTP/1.1 {status} Answer\r\n{headers}Content-Length: {length ?? body.Length}\r\n\r\n"), _stop.Token);
        if (isHead)
            return true;
        if (fault.CutAfter is { } cut)
        {
            await stream.WriteAsync(body.AsMemory(0, Math.Min(cut, body.Length)), _stop.Token);
            await stream.FlushAsync(_stop.Token);
            return false;
        }

        if (fault.StallAfter is { } stall)
        {
            await stream.WriteAsync(body.AsMemory(0, Math.Min(stall, body.Length)), _stop.Token);
            await Task.Delay(Timeout.Infinite, _stop.Token);
        }

        await stream.WriteAsync(body, _stop.Token);
        return true;
    }
}
