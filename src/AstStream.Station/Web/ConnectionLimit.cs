using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Connections;

namespace AstStream.Station.Web;

/// <summary>How many connections one address may have, so that it can't take all of them. Safe for many threads.</summary>
/// <param name="most">The most.</param>
/// <param name="proxies">Addresses that speak for many: without a limit.</param>
internal sealed class ConnectionLimit(int most, IReadOnlyList<IPAddress> proxies)
{
    private readonly ConcurrentDictionary<IPAddress, int> _open = [];

    /// <summary>Puts the limit before what a connection goes on to.</summary>
    public ConnectionDelegate Wrap(ConnectionDelegate next) => async connection =>
    {
        if (connection.RemoteEndPoint is not IPEndPoint { Address: var address } || proxies.Contains(address))
        {
            await next(connection).ConfigureAwait(false);
            return;
        }

        var open = _open.AddOrUpdate(address, 1, (_, n) => n + 1);
        try
        {
            if (open <= most)
                await next(connection).ConfigureAwait(false);
            else
                connection.Abort();
        }
        finally
        {
            if (_open.AddOrUpdate(address, 0, (_, n) => n - 1) == 0)
                _open.TryRemove(new KeyValuePair<IPAddress, int>(address, 0));
        }
    };
}
