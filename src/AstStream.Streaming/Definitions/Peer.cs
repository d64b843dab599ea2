namespace AstStream.Streaming.Definitions;

/// <summary>Another machine, or a service on this one, that a component of a pipeline talks to by TCP.</summary>
/// <param name="Host">Its name or address.</param>
/// <param name="Port">Its port.</param>
public sealed record Peer(string Host, int Port)
{
    /// <summary>The peer of a URL; null where that names none, or no port is known of its scheme.</summary>
    public static Peer? Of(string url) => Uri.TryCreate(url, UriKind.Absolute, out var uri) ? Of(uri) : null;

    /// <summary>The peer of a URL; null where that names none, or no port is known of its scheme.</summary>
    public static Peer? Of(Uri uri)
    {
        if (uri.Scheme.ToLowerInvariant() is "udp" or "rtp" or "srt" or "srtp")
            return null; // nobody listens by TCP there
        var port = uri.Port > 0 ? uri.Port : uri.Scheme.ToLowerInvariant() switch
        {
            "rtsp" or "rtspt" => 554,
            "rtsps" => 322,
            "rtmp" => 1935,
            _ => 0,
        };
        return uri.IdnHost.Length > 0 && port > 0 ? new Peer(uri.IdnHost, port) : null;
    }

    /// <summary>Peers as librdkafka names them: HOST:PORT, several with commas; 9092 where no port is given.</summary>
    public static IReadOnlyList<Peer> OfServers(string servers)
    {
        const int usual = 9092;
        return [.. servers.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(s => "kafka://" + s[(s.LastIndexOf('/') + 1)..]) // a protocol may stand before it
            .Select(s => Uri.TryCreate(s, UriKind.Absolute, out var uri) && uri.IdnHost.Length > 0
                ? new Peer(uri.IdnHost, uri.Port > 0 ? uri.Port : usual) : null)
            .OfType<Peer>()];
    }

    /// <inheritdoc/>
    public override string ToString() => Host.Contains(':', StringComparison.Ordinal) ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
}
