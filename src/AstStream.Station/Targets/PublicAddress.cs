using System.Net;
using System.Net.Sockets;

namespace AstStream.Station.Targets;

/// <summary>Tells addresses of the internet from those of this machine and its networks (IANA's special-purpose registries).</summary>
internal static class PublicAddress
{
    private static readonly IPNetwork[] s_others =
    [
        IPNetwork.Parse("0.0.0.0/8"), IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("100.64.0.0/10"), IPNetwork.Parse("127.0.0.0/8"),
        IPNetwork.Parse("169.254.0.0/16"), IPNetwork.Parse("172.16.0.0/12"), IPNetwork.Parse("192.0.0.0/24"),
        IPNetwork.Parse("192.0.2.0/24"), IPNetwork.Parse("192.168.0.0/16"), IPNetwork.Parse("198.18.0.0/15"),
        IPNetwork.Parse("198.51.100.0/24"), IPNetwork.Parse("203.0.113.0/24"), IPNetwork.Parse("224.0.0.0/3"),
    ];

    private static readonly IPNetwork s_global = IPNetwork.Parse("2000::/3");

    private static readonly IPNetwork[] s_embedded = // addresses of IPv4 in ones of IPv6
        [IPNetwork.Parse("2002::/16"), IPNetwork.Parse("2001::/32"), IPNetwork.Parse("2001:db8::/32")];

    /// <summary>Whether an address is one of the internet.</summary>
    public static bool Is(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        return address.AddressFamily == AddressFamily.InterNetwork
            ? !s_others.Any(n => n.Contains(address))
            : s_global.Contains(address) && !s_embedded.Any(n => n.Contains(address));
    }
}
