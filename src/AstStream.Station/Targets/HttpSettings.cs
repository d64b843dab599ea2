using System.Security.Cryptography.X509Certificates;
using AstStream.Streaming.Definitions;

namespace AstStream.Station.Targets;

/// <summary>What targets that speak HTTP have in common.</summary>
/// <param name="Address">Where they are.</param>
/// <param name="Authorities">Certificates that are trusted in place of the system's; none for those.</param>
/// <param name="MayRedirectInside">Whether a redirect may lead to an address that is not public.</param>
internal sealed record HttpSettings(Uri Address, X509Certificate2Collection Authorities, bool MayRedirectInside)
{
    private static readonly Key<X509Certificate2Collection?> s_authorities = Keys.Certificates(
        "ca", "A PEM file with the certificates that are trusted in place of the system's, as for a server with one of its own; relative "
            + "to this file.");
    private static readonly Key<bool> s_redirects = Keys.Flag(
        "redirect_inside", "Whether the server may redirect to an address that is not public (127.0.0.1, 192.168.…, a cloud's metadata); "
            + "false by default.");

    /// <summary>The keys besides the address.</summary>
    public static IReadOnlyList<Key> Others { get; } = [s_authorities, s_redirects];

    /// <summary>Reads them; null where the address is missing or wrong, which is noted.</summary>
    public static HttpSettings? Read(SectionReader section, Key<string?> url, string? fallback = null)
    {
        if ((section.Get(url) ?? fallback) is not { } text)
            return null;
        if (Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is "http" or "https" && address.Host.Length > 0)
            return new HttpSettings(address, section.Get(s_authorities) ?? [], section.Get(s_redirects));
        section.Problem(url, "is no address of a server; expected one such as https://ntfy.sh or http://192.168.1.5:8080");
        return null;
    }
}
