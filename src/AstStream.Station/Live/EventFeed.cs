using System.Collections.Immutable;
using System.Threading.Channels;
using AstStream.Events;

namespace AstStream.Station.Live;

/// <summary>Gives events, once they are in the store, to whoever follows them. Safe for many threads.</summary>
internal sealed class EventFeed
{
    private const int MostWaiting = 256; // events, for one that is slow; then the oldest go

    private ImmutableArray<Channel<SoundEvent>> _followers = [];

    /// <summary>How many follow.</summary>
    public int Followers => _followers.Length;

    /// <summary>Somebody begins to follow.</summary>
    public Channel<SoundEvent> Follow()
    {
        var follower = Channel.CreateBounded<SoundEvent>(
            new BoundedChannelOptions(MostWaiting) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });
        ImmutableInterlocked.Update(ref _followers, f => f.Add(follower));
        return follower;
    }

    /// <summary>Somebody follows no longer.</summary>
    public void Leave(Channel<SoundEvent> follower) => ImmutableInterlocked.Update(ref _followers, f => f.Remove(follower));

    /// <summary>An event is in the store.</summary>
    public void Publish(SoundEvent e)
    {
        foreach (var follower in _followers)
            follower.Writer.TryWrite(e);
    }
}
