using System.Runtime.CompilerServices;
using System.Threading.Channels;

namespace AstStream.Streaming.Graph;

/// <summary>
/// Wakes one waiter; wake-ups that come while it works are remembered as one. Waiting allocates nothing. A fault wakes it for good and
/// is thrown where it waits.
/// </summary>
internal sealed class Signal
{
    private readonly Channel<bool> _channel = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    public void Set() => _channel.Writer.TryWrite(true);

    public void Fail(Exception fault) => _channel.Writer.TryComplete(fault);

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    public async ValueTask WaitAsync()
    {
        await _channel.Reader.WaitToReadAsync(CancellationToken.None).ConfigureAwait(false);
        _channel.Reader.TryRead(out _);
    }
}
