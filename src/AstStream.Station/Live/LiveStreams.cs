using System.Collections.Concurrent;
using AstStream.Streaming.Sources;

namespace AstStream.Station.Live;

/// <summary>The streams of a run by their names; those that have ended last stay for a while. Safe for many threads.</summary>
internal sealed class LiveStreams
{
    private const int MostEnded = 256;

    private readonly ConcurrentDictionary<string, LiveStream> _streams = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<LiveStream> _ended = [];

    /// <summary>All of them, in the order of their names.</summary>
    public IReadOnlyList<LiveStream> All => [.. _streams.Values.OrderBy(s => s.Stream.Id, StringComparer.Ordinal)];

    /// <summary>One of them; null where there is none of the name.</summary>
    public LiveStream? Find(string name) => _streams.GetValueOrDefault(name);

    /// <summary>A stream begins.</summary>
    public LiveStream Begin(StreamInfo stream) => _streams[stream.Id] = new LiveStream(stream);

    /// <summary>A stream is over.</summary>
    public void End(LiveStream stream)
    {
        stream.End();
        _ended.Enqueue(stream);
        while (_ended.Count > MostEnded && _ended.TryDequeue(out var oldest))
            _streams.TryRemove(new KeyValuePair<string, LiveStream>(oldest.Stream.Id, oldest));
    }
}
