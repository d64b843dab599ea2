namespace AstStream.Station.Store;

/// <summary>Reads what a store knows of clips, also while a run writes to it. For one thread at a time.</summary>
public sealed class ClipReader : IDisposable
{
    private const string Columns = """
        c.number, c.id, c.time, c.clock, c.start, c.rate, c.samples, c.muted, c.missing, c.file, c.bytes, c.pinned, s.name, s.source,
        c.scores
        FROM clips c LEFT JOIN streams s ON s.id = c.stream
        """;

    private const string IsReviewed =
        "EXISTS (SELECT 1 FROM clip_events x JOIN events e ON e.id = x.event JOIN reviews r ON r.event = e.number WHERE x.clip = c.number)";

    private readonly StoreFile _file;

    private ClipReader(StoreFile file) => _file = file;

    /// <summary>Opens a store.</summary>
    /// <exception cref="StoreException">There is none, or it can't be read.</exception>
    public static ClipReader Open(string path) => new(StoreFile.OpenToRead(path));

    /// <summary>The bytes of all clips.</summary>
    /// <exception cref="StoreException">Reading failed.</exception>
    public long Bytes() => _file.Guarded("reading", () => _file.Ask("SELECT coalesce(sum(bytes), 0) FROM clips"));

    /// <summary>The files of all clips.</summary>
    /// <exception cref="StoreException">Reading failed.</exception>
    public IReadOnlySet<string> Files() => _file.Guarded("reading", () =>
    {
        using var command = _file.Command("SELECT file FROM clips");
        using var rows = command.ExecuteReader();
        var files = new HashSet<string>(StringComparer.Ordinal);
        while (rows.Read())
            files.Add(rows.GetString(0));
        return files;
    });

    /// <summary>A clip with its events; null where there is none.</summary>
    /// <exception cref="StoreException">Reading failed.</exception>
    public StoredClip? Find(string id) => _file.Guarded("reading", () => Read("WHERE c.id = $0", EventId.Bytes(id)).FirstOrDefault());

    /// <summary>The oldest clips of a rank, of before a time, at most so many.</summary>
    /// <exception cref="StoreException">Reading failed.</exception>
    public IReadOnlyList<StoredClip> Oldest(ClipRank rank, DateTimeOffset before, int most) => _file.Guarded("reading", () =>
    {
        var condition = rank switch
        {
            ClipRank.Plain => $"c.pinned = 0 AND NOT {IsReviewed}",
            ClipRank.Reviewed => $"c.pinned = 0 AND {IsReviewed}",
            _ => "c.pinned = 1",
        };
        return Read($"WHERE c.time < $0 AND {condition} ORDER BY c.time LIMIT $1", StoreTime.Of(before), most);
    });

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private List<StoredClip> Read(string which, params object?[] values)
    {
        using var command = _file.Command($"SELECT {Columns} {which}", values);
        using var rows = command.ExecuteReader();
        var clips = new List<StoredClip>();
        while (rows.Read())
        {
            var (time, clock, start, rate) = (StoreTime.From(rows.GetInt64(2)), rows.GetInt64(3), rows.GetInt64(4), rows.GetInt32(5));
            var stream = new StoredStream(
                rows.IsDBNull(12) ? "?" : rows.GetString(12), rows.IsDBNull(13) ? "?" : rows.GetString(13), clock > 0 ? time : null,
                (double)start / rate, clock == 2);
            clips.Add(new StoredClip(
                EventId.Text((byte[])rows.GetValue(1)), stream, start, rate, rows.GetInt64(6), rows.GetString(9), rows.GetInt64(10))
            {
                Muted = rows.GetInt64(7),
                Missing = rows.GetInt64(8),
                IsPinned = rows.GetInt64(11) != 0,
                Events = EventsOf(rows.GetInt64(0)),
                Scores = StoredScores.Unpack(rows.GetString(14)),
            });
        }

        return clips;
    }

    private List<string> EventsOf(long clip)
    {
        using var command = _file.Command("SELECT event FROM clip_events WHERE clip = $0", clip);
        using var rows = command.ExecuteReader();
        var events = new List<string>();
        while (rows.Read())
            events.Add(EventId.Text((byte[])rows.GetValue(0)));
        return events;
    }
}
