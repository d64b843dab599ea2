using System.Numerics;
using AstStream.Station.Store;

namespace AstStream.Station.Find;

/// <summary>
/// Finds events of a store that sound like one, and where each lies on a map. The embeddings of one model are kept in memory from the first
/// search on, until nobody has searched for a while. Searches take turns.
/// </summary>
/// <param name="store">The store.</param>
/// <param name="time">The clock.</param>
/// <param name="mostBytes">About the most memory for embeddings; the oldest events are not found where there are more.</param>
internal sealed class SoundFinder(string store, TimeProvider time, long mostBytes = SoundFinder.UsualMemory) : IAsyncDisposable
{
    /// <summary>The memory that embeddings may take: a million events of 192 values and more.</summary>
    public const long UsualMemory = 256 << 20;

    private const int Candidates = 2_000; // whose exact cosines are taken
    private const int LeastAtOnce = 100; // events that are read

    private static readonly TimeSpan s_kept = TimeSpan.FromMinutes(10);

    private readonly SemaphoreSlim _turn = new(1);
    private readonly CancellationTokenSource _stop = new();
    private (string Hash, EmbeddingIndex Index)? _known;
    private (string Key, IReadOnlyList<Vector2> Places)? _map; // the last one
    private Task _forgetting = Task.CompletedTask;
    private bool _willForget;
    private long _searched; // when that was, last

    /// <summary>
    /// The events that sound like one, the likest first, with their cosines; null where nothing is known of how that one sounded. Of the
    /// 2,000 likest those that a query wants.
    /// </summary>
    /// <param name="id">The event, which is not among them.</param>
    /// <param name="query">Which events.</param>
    /// <param name="most">The most.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="StoreException">Reading failed.</exception>
    public Task<IReadOnlyList<(StoredEvent Event, double Cosine)>?> LikeAsync(
        string id, EventQuery query, int most, CancellationToken cancellation) =>
        InTurnAsync<IReadOnlyList<(StoredEvent, double)>?>(() => Like(id, query, most, cancellation), cancellation);

    /// <summary>
    /// The latest events of a query, of the model that most of them have, and where each lies on a map of their own: 0 to 1 from
    /// left to right and from top to bottom.
    /// </summary>
    /// <param name="query">Which events, and at most how many.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="StoreException">Reading failed.</exception>
    public Task<IReadOnlyList<(StoredEvent Event, Vector2 Place)>> MapAsync(EventQuery query, CancellationToken cancellation) =>
        InTurnAsync<IReadOnlyList<(StoredEvent, Vector2)>>(() => Map(query, cancellation), cancellation);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        await _forgetting.ConfigureAwait(false);
        _stop.Dispose();
        _turn.Dispose();
    }

    private async Task<T> InTurnAsync<T>(Func<T> work, CancellationToken cancellation)
    {
        await _turn.WaitAsync(cancellation).ConfigureAwait(false);
        try
        {
            return await Task.Run(work, cancellation).ConfigureAwait(false);
        }
        finally
        {
            _turn.Release();
        }
    }

    private List<(StoredEvent Event, double Cosine)>? Like(string id, EventQuery query, int most, CancellationToken cancellation)
    {
        using var reader = EmbeddingReader.Open(store);
        if (reader.Of(id) is not { } asked)
            return null;
        var index = Load(reader, asked.Hash, asked.Embedding.Vector.Length, cancellation);
        var near = index.Nearest(asked.Embedding.Vector, Candidates + 1, cancellation).Select(n => n.Event)
            .Where(e => e != asked.Embedding.Event);
        var ranked = reader.Of(asked.Hash, near).Where(e => e.Vector.Length == index.Dimensions)
            .Select(e => (e.Event, Cosine: EmbeddingIndex.Cosine(asked.Embedding.Vector, e.Vector)))
            .OrderByDescending(e => e.Cosine).ThenByDescending(e => e.Event);
        using var events = StoreReader.Open(store);
        var found = new List<(StoredEvent Event, double Cosine)>();
        foreach (var part in ranked.Chunk(Math.Max(LeastAtOnce, most))) // most often the first ones will do
        {
            var cosines = part.ToDictionary(e => e.Event, e => e.Cosine);
            found.AddRange(events.Events(query with { Numbers = cosines.Keys }).Select(e => (e, cosines[e.Number]))
                .OrderByDescending(e => e.Item2).ThenByDescending(e => e.e.Number));
            if (found.Count >= most)
                break;
        }

        return [.. found.Take(most)];
    }

    private EmbeddingIndex Load(EmbeddingReader reader, string hash, int dimensions, CancellationToken cancellation)
    {
        _searched = time.GetTimestamp();
        if (_known is not { } known || known.Hash != hash || known.Index.Dimensions != dimensions)
        {
            _known = null; // first: two would take twice the memory
            known = (hash, new EmbeddingIndex(dimensions, mostBytes));
            if (!_willForget)
                (_willForget, _forgetting) = (true, ForgetAsync());
        }

        if (reader.Latest() < known.Index.Latest)
            known = (hash, new EmbeddingIndex(dimensions, mostBytes)); // another store has its name
        var from = known.Index.Latest > 0 ? known.Index.Latest : reader.Latest() - known.Index.Capacity;
        reader.After(hash, from, e => known.Index.Add(e), cancellation);
        _known = known;
        return known.Index;
    }

    private List<(StoredEvent Event, Vector2 Place)> Map(EventQuery query, CancellationToken cancellation)
    {
        using var reader = EmbeddingReader.Open(store);
        using var events = StoreReader.Open(store);
        var found = events.Events(query).ToDictionary(e => e.Number);
        if (reader.ModelOf(found.Keys) is not { } hash)
            return [];
        List<StoredEmbedding> embeddings = [.. reader.Of(hash, found.Keys).OrderBy(e => e.Number)];
        var length = embeddings.Count > 0 ? embeddings[^1].Vector.Length : 0;
        embeddings.RemoveAll(e => e.Vector.Length != length); // damaged
        var key = $"{hash} {string.Join(' ', embeddings.Select(e => e.Number))}";
        if (_map?.Key != key)
            _map = (key, SoundMap.Of([.. embeddings.Select(e => e.Vector)], cancellation));
        return [.. embeddings.Select((e, i) => (found[e.Event], _map.Value.Places[i]))];
    }

    /// <summary>Lets go of the memory when nobody has searched for a while.</summary>
    private async Task ForgetAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(s_kept, time, _stop.Token).ConfigureAwait(false);
                await _turn.WaitAsync(_stop.Token).ConfigureAwait(false);
                try
                {
                    if (time.GetElapsedTime(_searched) < s_kept)
                        continue;
                    (_known, _willForget) = (null, false);
                    return;
                }
                finally
                {
                    _turn.Release();
                }
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The station ends.
        }
    }
}
