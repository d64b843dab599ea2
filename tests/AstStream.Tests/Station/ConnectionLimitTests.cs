using System.Net;
using AstStream.Station.Web;
using Microsoft.AspNetCore.Connections;

namespace AstStream.Tests.Station;

/// <summary>Connections of one address, and of strangers.</summary>
public sealed class ConnectionLimitTests
{
    private readonly TaskCompletionSource _held = new();
    private readonly List<Task> _going = [];
    private readonly ConnectionLimit _limit = new(mostOfOne: 2, mostOfStrangers: 3, [IPAddress.Parse("10.0.0.9")]);

    [Fact]
    public async Task Wrap_ManyConnections_OnlySoManyOfOneAndOfStrangersGoOn()
    {
        Assert.Equal([true, true, false], [Goes("10.0.0.1"), Goes("10.0.0.1"), Goes("10.0.0.1")]); // two of one
        _limit.Know(IPAddress.Parse("10.0.0.3"));
        Assert.Equal([true, false], [Goes("10.0.0.2"), Goes("10.0.0.2")]); // three of strangers
        Assert.Equal([true, true, false], [Goes("10.0.0.3"), Goes("10.0.0.3"), Goes("10.0.0.3")]); // who is known goes on
        Assert.Equal([true, true, true], [Goes("10.0.0.9"), Goes("10.0.0.9"), Goes("10.0.0.9")]); // a proxy
        Assert.True(Goes("::ffff:10.0.0.9")); // the same one at a socket for IPv6 and IPv4

        _held.SetResult();
        await Task.WhenAll(_going);
        Assert.True(Goes("10.0.0.2")); // the others are over
    }

    /// <summary>Whether a connection from an address is let through; it stays open then.</summary>
    private bool Goes(string address)
    {
        var hasGone = false;
        _going.Add(_limit.Wrap(_ =>
        {
            hasGone = true;
            return _held.Task;
        })(new DefaultConnectionContext { RemoteEndPoint = new IPEndPoint(IPAddress.Parse(address), 1) }));
        return hasGone;
    }
}
