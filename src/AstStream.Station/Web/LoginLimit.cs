using System.Net;
using System.Net.Sockets;

namespace AstStream.Station.Web;

/// <summary>
/// How often somebody may try a password: ten times in ten minutes from one address, or one network of IPv6. Safe for many threads.
/// </summary>
internal sealed class LoginLimit(TimeProvider time)
{
    private const int MostOfOne = 10;
    private const int MostKept = 10_000; // tries; of more the oldest are forgotten
    private const int NetworkBytes = 8; // of an IPv6 address: a site has all that begin so

    private static readonly TimeSpan s_span = TimeSpan.FromMinutes(10);

    private readonly Lock _lock = new();
    private readonly LinkedList<(DateTimeOffset At, string Network)> _tries = [];

    /// <summary>Counts a try of an address; false where it may not try now.</summary>
    public bool TryBegin(IPAddress address)
    {
        lock (_lock)
        {
            while (_tries.First is { } oldest && (time.GetUtcNow() - oldest.Value.At > s_span || _tries.Count >= MostKept))
                _tries.RemoveFirst();
            var network = NetworkOf(address);
            if (_tries.Count(t => t.Network == network) >= MostOfOne)
                return false;
            _tries.AddLast((time.GetUtcNow(), network));
            return true;
        }
    }

    /// <summary>An address has logged in: its tries were no attack.</summary>
    public void Forget(IPAddress address)
    {
        lock (_lock)
        {
            var network = NetworkOf(address);
            for (var at = _tries.First; at is not null;)
            {
                var next = at.Next;
                if (at.Value.Network == network)
                    _tries.Remove(at);
                at = next;
            }
        }
    }

    private static string NetworkOf(IPAddress address) =>
        address.AddressFamily == AddressFamily.InterNetworkV6 && !address.IsIPv4MappedToIPv6
        ? Convert.ToHexString(address.GetAddressBytes().AsSpan(0, NetworkBytes)) : address.MapToIPv4().ToString();
}
