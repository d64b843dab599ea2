using System.Globalization;
using System.Net;

namespace AstStream.Station.Web;

/// <summary>Where the page is served, and to whom.</summary>
/// <param name="Address">Where.</param>
internal sealed record WebOptions(IPEndPoint Address)
{
    /// <summary>Where, if nobody says.</summary>
    public const string DefaultListen = "127.0.0.1:8765";

    /// <summary>The characters that a token has at least.</summary>
    public const int LeastToken = 16;

    /// <summary>The hash of the password; null for none.</summary>
    public string? PasswordHash { get; init; }

    /// <summary>Tokens, and what they allow.</summary>
    public IReadOnlyDictionary<string, Right> Tokens { get; init; } = new Dictionary<string, Right>();

    /// <summary>Names by which it is called, besides those of this machine.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>Proxies that are trusted.</summary>
    public IReadOnlyList<IPAddress> Proxies { get; init; } = [];

    /// <summary>Whether everybody who reaches it may do everything: only this machine does.</summary>
    public bool IsOpen => PasswordHash is null && Tokens.Count == 0;

    /// <summary>Reads ADDRESS:PORT; localhost and * are addresses too.</summary>
    public static bool TryParse(string text, out IPEndPoint address)
    {
        var at = text.LastIndexOf(':');
        var host = at > 0 ? text[..at] : "";
        address = new IPEndPoint(IPAddress.Loopback, 0);
        if (!ushort.TryParse(text[(at + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var port))
            return false;
        var ip = host switch
        {
            "localhost" => IPAddress.Loopback,
            "*" => IPAddress.IPv6Any,
            _ => IPAddress.TryParse(host.Trim('[', ']'), out var parsed) ? parsed : null,
        };
        if (ip is null)
            return false;
        address = new IPEndPoint(ip, port);
        return true;
    }
}
