using System.Net.Sockets;
using AstStream.Streaming.Definitions;

namespace AstStream.Worker.Setup;

/// <summary>Whether somebody listens at an address.</summary>
internal static class Reachability
{
    /// <summary>Connects and hangs up; what went wrong, else null.</summary>
    public static async Task<string?> TroubleAsync(Peer peer, TimeSpan patience, CancellationToken stop)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stop);
        deadline.CancelAfter(patience);
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(peer.Host, peer.Port, deadline.Token).ConfigureAwait(false);
            return null;
        }
        catch (SocketException e)
        {
            return $"{peer} does not answer: {e.Message}";
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return $"{peer} does not answer within {patience.TotalSeconds:0} s";
        }
    }
}
