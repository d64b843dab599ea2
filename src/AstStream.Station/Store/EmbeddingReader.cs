using Microsoft.Data.Sqlite;

namespace AstStream.Station.Store;

/// <summary>Reads what the events of a store were to their models. For one thread at a time.</summary>
internal sealed class EmbeddingReader : IDisposable
{
    private readonly StoreFile _file;

    private EmbeddingReader(StoreFile file) => _file = file;

    /// <summary>Opens a store.</summary>
    /// <exception cref="StoreException">There is none, or it can't be read.</exception>
    public static EmbeddingReader Open(string path) => new(StoreFile.OpenToRead(path));

    /// <summary>The hash of the model that most of some events have embeddings of; null where none has one.</summary>
    /// <exception cref="StoreException">Reading failed.</exception>
    public string? ModelOf(IEnumerable<long> events) => _file.Guarded("reading", () =>
    {
        using var command = _file.Command(
            $"""
            SELECT m.hash FROM embeddings e JOIN models m ON m.id = e.model WHERE e.event IN ({string.Join(", ", events)})
            GROUP BY m.hash ORDER BY count(*) DESC, max(e.number) DESC LIMIT 1
            """);
        return command.ExecuteScalar() as string;
    });

    /// <summary>What one event was to its model, and the hash of that; null where there is nothing of it.</summary>
    /// <exception cref="StoreException">Reading failed.</exception>
    public (StoredEmbedding Embedding, string Hash)? Of(string id) => _file.Guarded<(StoredEmbedding, string)?>("reading", () =>
    {
        using var rows = _file.Prepared(
            """
            SELECT e.number, e.event, e.vector, m.hash FROM events v JOIN embeddings e ON e.event = v.number
                JOIN models m ON m.id = e.model WHERE v.id = $0
            """, EventId.Bytes(id)).ExecuteReader();
        return rows.Read() && Embedding(rows) is { } embedding ? (embedding, rows.GetString(3)) : null;
    });

    /// <summary>The row of the latest one; 0 where there is none.</summary>
    /// <exception cref="StoreException">Reading failed.</exception>
    public long Latest() => _file.Guarded("reading", () => _file.Ask("SELECT coalesce(max(number), 0) FROM embeddings"));

    /// <summary>Those of one model that came after a row, in their order.</summary>
    /// <param name="hash">The model's hash.</param>
    /// <param name="row">The row.</param>
    /// <param name="add">Gets each one.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="StoreException">Reading failed.</exception>
    public void After(string hash, long row, Action<StoredEmbedding> add, CancellationToken cancellation) => _file.Guarded("reading", () =>
    {
        using var rows = _file.Prepared(
            """
            SELECT number, event, vector FROM embeddings
            WHERE number > $1 AND model IN (SELECT id FROM models WHERE hash = $0) ORDER BY number
            """, hash, row).ExecuteReader();
        while (rows.Read())
        {
            cancellation.ThrowIfCancellationRequested();
            if (Embedding(rows) is { } embedding)
                add(embedding);
        }

        return 0;
    });

    /// <summary>Those of some events, of one model.</summary>
    /// <exception cref="StoreException">Reading failed.</exception>
    public IReadOnlyList<StoredEmbedding> Of(string hash, IEnumerable<long> events) => _file.Guarded("reading", () =>
    {
        using var command = _file.Command(
            $"""
            SELECT number, event, vector FROM embeddings
            WHERE event IN ({string.Join(", ", events)}) AND model IN (SELECT id FROM models WHERE hash = $0)
            """, hash);
        using var rows = command.ExecuteReader();
        var found = new List<StoredEmbedding>();
        while (rows.Read())
        {
            if (Embedding(rows) is { } embedding)
                found.Add(embedding);
        }

        return found;
    });

    public void Dispose() => _file.Dispose();

    /// <summary>A row; null for one that no run writes, which is like nothing.</summary>
    private static StoredEmbedding? Embedding(SqliteDataReader row) =>
        row.GetValue(2) is byte[] { Length: > 0 } bytes && StoredEmbedding.Unpack(bytes) is var vector && vector.All(float.IsFinite)
            ? new StoredEmbedding(row.GetInt64(0), row.GetInt64(1), vector) : null;
}
