using System.Buffers;
using System.Collections.Immutable;
using System.Text;
using System.Threading.Channels;
using AstStream.Events;
using AstStream.Events.Json;

namespace AstStream.Station.Live;

/// <summary>Gives events, once they are in the store, to whoever follows them, as server-sent events. Safe for many threads.</summary>
internal sealed class EventFeed
{
    private const int MostWaiting = 256; // events, for one that is slow; then the oldest go

    private ImmutableArray<Channel<byte[]>> _followers = [];

    /// <summary>How many follow.</summary>
    public int Followers => _followers.Length;

    /// <summary>Somebody begins to follow.</summary>
    public Channel<byte[]> Follow()
    {
        var follower = Channel.CreateBounded<byte[]>(
            new BoundedChannelOptions(MostWaiting) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
        ImmutableInterlocked.Update(ref _followers, f => f.Add(follower));
        return follower;
    }

    /// <summary>Somebody follows no longer.</summary>
    public void Leave(Channel<byte[]> follower) => ImmutableInterlocked.Update(ref _followers, f => f.Remove(follower));

    /// <summary>An event is in the store. It is written once for all, as a server-sent event.</summary>
    public void Publish(SoundEvent e)
    {
        if (_followers.IsEmpty)
            return;
        var data = new ArrayBufferWriter<byte>();
        RecordJson.Write(data, e);
        byte[] message = [.. Encoding.ASCII.GetBytes($"event: {e.State.SnakeCase()}\ndata: "), .. data.WrittenSpan, .. "\n\n"u8];
        foreach (var follower in _followers)
            follower.Writer.TryWrite(message);
    }
}
