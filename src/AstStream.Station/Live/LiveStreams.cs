using System.Collections.Concurrent;
using AstStream.Station.Levels;
using AstStream.Streaming.Sources;

namespace AstStream.Station.Live;

/// <summary>The streams of a run by their names; those that have ended last stay for a while. Safe for many threads.</summary>
internal sealed class LiveStreams
{
    private const int MostEnded = 256;

    private readonly ConcurrentDictionary<string, LiveStream> _streams = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<LiveStream> _ended = [];
    private volatile InOrder? _all; // as of a change
    private int _changes;

    /// <summary>All of them, in the order of their names.</summary>
    public IReadOnlyList<LiveStream> All
    {
        get
        {
            var changes = Volatile.Read(ref _changes);
            if (_all is { } known && known.Changes == changes)
                return known.Streams;
            var all = new InOrder(changes, [.. _streams.Values.OrderBy(s => s.Stream.Id, StringComparer.Ordinal)]);
            _all = all;
            return all.Streams;
        }
    }

    /// <summary>One of them; null where there is none of the name.</summary>
    public LiveStream? Find(string name) => _streams.GetValueOrDefault(name);

    /// <summary>A stream begins.</summary>
    public LiveStream Begin(StreamInfo stream, StreamLevels? levels = null)
    {
        var live = _streams[stream.Id] = new LiveStream(stream, levels);
        Interlocked.Increment(ref _changes);
        return live;
    }

    /// <summary>A stream is over.</summary>
    public void End(LiveStream stream)
    {
        stream.End();
        _ended.Enqueue(stream);
        while (_ended.Count > MostEnded && _ended.TryDequeue(out var oldest))
        {
            _streams.TryRemove(new KeyValuePair<string, LiveStream>(oldest.Stream.Id, oldest));
            Interlocked.Increment(ref _changes);
        }
    }

    private sealed record InOrder(int Changes, IReadOnlyList<LiveStream> Streams);
}
