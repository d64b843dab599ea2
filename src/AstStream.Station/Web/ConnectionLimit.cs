using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Connections;

namespace AstStream.Station.Web;

/// <summary>
/// How many connections one address may have, and all strangers together, so that who comes with thousands of them does not take those of
/// people who are known here. Safe for many threads.
/// </summary>
/// <param name="mostOfOne">The most of one address.</param>
/// <param name="mostOfStrangers">The most of all addresses that nobody with a right has called from.</param>
/// <param name="proxies">Addresses that speak for many: without a limit.</param>
internal sealed class ConnectionLimit(int mostOfOne, int mostOfStrangers, IReadOnlyList<IPAddress> proxies)
{
    private const int MostKnown = 1000; // addresses

    private readonly ConcurrentDictionary<IPAddress, int> _open = [];
    private readonly ConcurrentDictionary<IPAddress, bool> _known = [];
    private int _strangers; // connections

    /// <summary>Somebody with a right has called from an address.</summary>
    public void Know(IPAddress address)
    {
        if (_known.ContainsKey(address))
            return;
        if (_known.Count >= MostKnown)
            _known.Clear();
        _known[address] = true;
    }

    /// <summary>Puts the limit before what a connection goes on to.</summary>
    public ConnectionDelegate Wrap(ConnectionDelegate next) => async connection =>
    {
        if (connection.RemoteEndPoint is not IPEndPoint { Address: var address }
            || proxies.Contains(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address))
        {
            await next(connection).ConfigureAwait(false);
            return;
        }

        var isStranger = !_known.ContainsKey(address);
        var strangers = isStranger ? Interlocked.Increment(ref _strangers) : 0;
        var open = _open.AddOrUpdate(address, 1, (_, n) => n + 1);
        try
        {
            if (open <= mostOfOne && strangers <= mostOfStrangers)
                await next(connection).ConfigureAwait(false);
            else
                connection.Abort();
        }
        finally
        {
            if (isStranger)
                Interlocked.Decrement(ref _strangers);
            if (_open.AddOrUpdate(address, 0, (_, n) => n - 1) == 0)
                _open.TryRemove(new KeyValuePair<IPAddress, int>(address, 0));
        }
    };
}
