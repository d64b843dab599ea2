using AstStream.Events;

namespace AstStream.Station.Store;

/// <summary>
/// Writes records to a store, many in one transaction. The same event again changes nothing: it is known by its id, and a closed one stays
/// closed; coverage that is known is not added twice, and what goes on is one row. For one thread at a time.
/// </summary>
internal sealed class StoreWriter : IDisposable
{
    private const int AtOnce = 2_000; // old rows that one transaction removes

    private readonly string _path;
    private readonly TimeProvider _time;
    private readonly List<StreamRecord> _records = []; // taken, and not committed yet
    private readonly StoreNames _names;
    private readonly CoverageWriter _coverage;
    private readonly ShadowWriter _shadows;
    private StoreFile? _file; // null where it went

    private StoreWriter(StoreFile file, TimeProvider time)
    {
        (_file, _path, _time, _names) = (file, file.Path, time, new StoreNames(() => Opened));
        _coverage = new CoverageWriter(() => Opened, _names, time);
        _shadows = new ShadowWriter(() => Opened, _names, time);
    }

    /// <summary>Records that were taken and are not on the disk.</summary>
    public int Waiting => _records.Count;

    /// <summary>What became of a file that went while it was written to, until this is set to null.</summary>
    public string? Replaced { get; set; }

    /// <summary>The most pages of 4 KB that the file may have.</summary>
    internal long MaxPages
    {
        set => Opened.Run(FormattableString.Invariant($"PRAGMA max_page_count = {value}"));
    }

    /// <summary>Opens a store, which is made where there is none.</summary>
    /// <exception cref="StoreException">The store can't be used.</exception>
    public static StoreWriter Open(string path, TimeProvider time) => new(StoreFile.OpenToWrite(path), time);

    /// <summary>Takes an event or an interval of coverage.</summary>
    public void Add(StreamRecord record) => _records.Add(record);

    /// <summary>Writes what was taken: all of it, or, where that fails, nothing; then it may be tried again.</summary>
    /// <param name="written">Hears each record, after all are written.</param>
    /// <exception cref="StoreException">It failed.</exception>
    public void Commit(Action<StreamRecord>? written = null)
    {
        if (_records.Count == 0)
            return;
        if (!File.Exists(_path))
            Close(); // moved away or removed: nobody would find what is written to it
        Transact("writing", () =>
        {
            foreach (var record in _records)
            {
                if (record.ShadowOf is not null)
                    _shadows.Write(record);
                else if (record is SoundEvent e)
                    Write(e);
                else if (record is CoverageInterval c)
                    _coverage.Write(c);
            }
        });
        if (written is not null)
            _records.ForEach(written);
        _records.Clear();
    }

    /// <summary>Adds a review of an event.</summary>
    /// <exception cref="StoreException">It failed, or there is no such event.</exception>
    public void Add(Review review)
    {
        if (Add([review]).Count > 0)
            throw new StoreException($"{Opened.Path}: has no event {review.EventId}");
    }

    /// <summary>Adds reviews; returns the ids of which there is no event.</summary>
    /// <exception cref="StoreException">It failed.</exception>
    public IReadOnlyList<string> Add(IReadOnlyList<Review> reviews)
    {
        var missing = new List<string>();
        Transact("writing", () =>
        {
            foreach (var review in reviews)
            {
                var id = EventId.Bytes(review.EventId);
                if (Opened.Prepared("SELECT number FROM events WHERE id = $0", id).ExecuteScalar() is not long number)
                    missing.Add(review.EventId);
                else
                    Opened.Prepared(
                        "INSERT INTO reviews (event, verdict, label, by, time) VALUES ($0, $1, $2, $3, $4)",
                        number, review.Verdict.ToString(), review.Label, review.By, StoreTime.Of(review.At)).ExecuteNonQuery();
            }
        });
        return missing;
    }

    /// <summary>Gives events embeddings of a model, all or none; see <see cref="StoredEmbedding.Replace"/>.</summary>
    /// <exception cref="StoreException">It failed.</exception>
    public void Add(string name, ModelIdentity model, IReadOnlyList<(string Event, ReadOnlyMemory<Half> Vector)> embeddings) =>
        Transact("writing", () => StoredEmbedding.Replace(Opened, _names.Model(name, model), embeddings));

    /// <summary>Adds clips, all or none; returns, for each, the file and the bytes of one of the same id, which it replaces.</summary>
    /// <exception cref="StoreException">It failed.</exception>
    public IReadOnlyList<(string File, long Bytes)?> Add(IReadOnlyList<StoredClip> clips)
    {
        List<(string, long)?> replaced = [];
        Transact("writing", () => replaced = [.. clips.Select(Write)]);
        return replaced;
    }

    private (string File, long Bytes)? Write(StoredClip clip)
    {
        (string, long)? replaced = null;
        using (var known = Opened.Prepared("SELECT file, bytes FROM clips WHERE id = $0", EventId.Bytes(clip.Id)).ExecuteReader())
        {
            if (known.Read())
                replaced = (known.GetString(0), known.GetInt64(1));
        }

        var at = clip.Stream.TimeAt((double)clip.Start / clip.SampleRate);
        var number = (long)Opened.Prepared(
            """
            INSERT INTO clips (id, stream, time, clock, start, rate, samples, muted, missing, file, bytes, pinned, scores)
            VALUES ($0, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 0, $11)
            ON CONFLICT DO UPDATE SET time = excluded.time, clock = excluded.clock, start = excluded.start, rate = excluded.rate,
                samples = excluded.samples, muted = excluded.muted,
                missing = excluded.missing, file = excluded.file, bytes = excluded.bytes, scores = excluded.scores
            RETURNING number
            """,
            EventId.Bytes(clip.Id), _names.Stream(clip.Stream), StoreTime.Of(at ?? _time.GetUtcNow()), Clock(clip.Stream, at), clip.Start,
            clip.SampleRate, clip.Samples, clip.Muted, clip.Missing, clip.File, clip.Bytes,
            StoredScores.Pack(clip.Scores)).ExecuteScalar()!;
        foreach (var e in clip.Events)
            Opened.Prepared("INSERT INTO clip_events VALUES ($0, $1) ON CONFLICT DO NOTHING", EventId.Bytes(e), number).ExecuteNonQuery();
        return replaced;
    }

    /// <summary>Adds levels of minutes. Of two that are the same stream's and minute's, the one that heard more of it holds.</summary>
    /// <exception cref="StoreException">It failed; none is added then.</exception>
    public void Add(IReadOnlyList<StoredLevels> minutes) => Transact("writing", () =>
    {
        foreach (var (stream, minute, levels, calibration) in minutes)
            Opened.Prepared(
                """
                INSERT INTO levels VALUES ($0, $1, $2, $3, $4, $5, $6, $7, $8)
                ON CONFLICT DO UPDATE SET seconds = excluded.seconds, laeq = excluded.laeq, lcpeak = excluded.lcpeak, la10 = excluded.la10,
                    la90 = excluded.la90, calibration = excluded.calibration, bands = excluded.bands WHERE excluded.seconds >= seconds
                """,
                _names.Stream(stream), StoreTime.Of(minute), levels.Seconds, levels.LAeq, levels.LCpeak, levels.LA10, levels.LA90,
                calibration, StoredBands.Pack(levels.Bands)).ExecuteNonQuery();
    });

    /// <summary>Closes what a run that was killed left open, as far as it had come; a run that goes on with it says more.</summary>
    /// <exception cref="StoreException">It failed.</exception>
    public void CloseAll() => Transact("writing", () => Opened.Run("UPDATE events SET closed = 1 WHERE closed = 0"));

    /// <summary>Forgets a clip, whose file is gone.</summary>
    /// <exception cref="StoreException">It failed.</exception>
    public void RemoveClip(string id) => Transact("removing a clip", () =>
    {
        Opened.Prepared(
            "DELETE FROM clip_events WHERE clip = (SELECT number FROM clips WHERE id = $0)", EventId.Bytes(id)).ExecuteNonQuery();
        Opened.Prepared("DELETE FROM clips WHERE id = $0", EventId.Bytes(id)).ExecuteNonQuery();
    });

    /// <summary>Keeps a clip from being removed, or no longer; false where there is none.</summary>
    /// <exception cref="StoreException">It failed.</exception>
    public bool Pin(string id, bool isPinned)
    {
        var changed = 0;
        Transact("writing", () => changed = Opened.Prepared(
            "UPDATE clips SET pinned = $1 WHERE id = $0", EventId.Bytes(id), isPinned ? 1 : 0).ExecuteNonQuery());
        return changed > 0;
    }

    /// <summary>
    /// Removes some of the events that nobody reviewed, of the coverage and of the levels, of before a time; true where there may be more.
    /// </summary>
    /// <param name="before">The time, for events and coverage.</param>
    /// <param name="levelsBefore">The time for levels.</param>
    /// <exception cref="StoreException">It failed.</exception>
    public bool Remove(DateTimeOffset before, DateTimeOffset levelsBefore)
    {
        var removed = 0;
        Transact("removing what is old", () =>
        {
            foreach (var (table, key, than, kept) in ((string, string, DateTimeOffset, string)[])
                [("events", "number", before, "NOT EXISTS (SELECT 1 FROM reviews WHERE event = events.number) AND NOT EXISTS (SELECT 1 "
                    + "FROM clip_events x JOIN clips c ON c.number = x.clip WHERE x.event = events.id AND c.pinned = 1)"),
                    ("levels", "stream, time", levelsBefore, "1")])
                removed += Opened.Prepared(
                    $"DELETE FROM {table} WHERE ({key}) IN "
                        + $"(SELECT {key} FROM {table} WHERE time < $0 AND {kept} ORDER BY time LIMIT $1)",
                    StoreTime.Of(than), AtOnce).ExecuteNonQuery();
            removed += _coverage.Remove(StoreTime.Of(before), AtOnce) + _shadows.Remove(StoreTime.Of(before), AtOnce);
        });
        return removed >= AtOnce;
    }

    public void Dispose() => _file?.Dispose();

    /// <summary>
    /// The file is gone: another one is begun by the next transaction. SQLite's log, which has what was not in the file yet, is kept aside.
    /// </summary>
    private void Close()
    {
        _file?.Dispose();
        _file = null;
        _names.Forget();
        var (log, aside) = (_path + "-wal", $"{_path}-wal.{_time.GetUtcNow():yyyyMMdd'T'HHmmss}");
        var hasLog = File.Exists(log) && new FileInfo(log).Length > 0;
        if (hasLog)
            File.Move(log, aside, overwrite: true);
        Replaced = $"{_path}: was moved away or removed; a new store is begun"
            + (hasLog ? $". What was not in it yet is in {aside}: beside the moved file, called as that with -wal, SQLite reads it" : "");
    }

    private StoreFile Opened => _file ??= StoreFile.OpenToWrite(_path);

    /// <summary>Does something in a transaction of its own: all of it, or, where it fails, nothing.</summary>
    /// <exception cref="StoreException">It failed.</exception>
    public T Transact<T>(string what, Func<StoreFile, T> work) => Opened.Guarded(what, () =>
    {
        Opened.Run("BEGIN IMMEDIATE");
        try
        {
            var result = work(Opened);
            Opened.Run("COMMIT");
            return result;
        }
        catch
        {
            _names.Forget(); // some may be of names that were not written
            if (SQLitePCL.raw.sqlite3_get_autocommit(Opened.Connection.Handle) == 0)
                Opened.Run("ROLLBACK");
            throw;
        }
    });

    private void Transact(string what, Action work) => Transact(what, _ =>
    {
        work();
        return 0;
    });

    private void Write(SoundEvent e)
    {
        var (stream, label, model) = (_names.Stream(e.Stream), _names.Label(e.Label), _names.Model(e));
        var id = EventId.Bytes(e.Id);
        var (start, end) = (Sample(e.Onset), Sample(e.Offset));
        var closed = e.State == EventState.Closed ? 1 : 0;
        long? number = null;
        long time = 0, oldEnd = 0;
        using (var known = Opened.Prepared("SELECT number, closed, time, end, score FROM events WHERE id = $0", id).ExecuteReader())
        {
            if (known.Read())
            {
                if (known.GetInt64(1) > closed || (known.GetInt64(1) == closed && known.GetInt64(3) == end && known.GetFloat(4) == e.Score))
                {
                    if (closed == 1)
                        StoredEmbedding.Write(Opened, known.GetInt64(0), model, e.Embedding); // it may be of before these were kept
                    return;
                }

                (number, time, oldEnd) = (known.GetInt64(0), known.GetInt64(2), known.GetInt64(3));
            }
        }

        if (number is { } row)
        {
            Opened.Prepared(
                "UPDATE events SET closed = $1, end = $2, score = $3, mean_score = $4, last_offset = $5, model = $6 WHERE number = $0",
                row, closed, end, (double)e.Score, (double)e.MeanScore, e.Origin.Last, model).ExecuteNonQuery();
            Count(stream, label, time, 0, end - oldEnd);
            StoredEmbedding.Write(Opened, row, model, e.Embedding);
            return;
        }

        var at = e.Stream.TimeAt(e.Onset);
        time = StoreTime.Of(at ?? _time.GetUtcNow());
        row = (long)Opened.Prepared(
            """
            INSERT INTO events (id, stream, label, model, closed, time, clock, start, end, score, mean_score, first_offset, last_offset)
            VALUES ($0, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING number
            """,
            id, stream, label, model, closed, time, Clock(e.Stream, at), start, end, (double)e.Score,
            (double)e.MeanScore, e.Origin.First, e.Origin.Last).ExecuteScalar()!;
        Count(stream, label, time, 1, end - start);
        StoredEmbedding.Write(Opened, row, model, e.Embedding);
    }

    /// <summary>Adds to what the days have.</summary>
    private void Count(long stream, long label, long time, int events, long samples)
    {
        var (day, seconds) = (StoreTime.Day(time, _time.LocalTimeZone), ModelTime.Seconds(samples));
        Opened.Prepared(
            """
            INSERT INTO label_days VALUES ($0, $1, $2, $3)
            ON CONFLICT DO UPDATE SET events = events + excluded.events, seconds = seconds + excluded.seconds
            """, label, day, events, seconds).ExecuteNonQuery();
        Opened.Prepared(
            """
            INSERT INTO stream_days VALUES ($0, $1, $2, $3, $4)
            ON CONFLICT DO UPDATE SET events = events + excluded.events, seconds = seconds + excluded.seconds
            """, stream, day, label, events, seconds).ExecuteNonQuery();
    }

    private static long Clock(StreamIdentity stream, DateTimeOffset? at) => at is null ? 0 : stream.IsClockGood ? 2 : 1;

    private static long Sample(double seconds) => (long)Math.Round(seconds * ModelTime.SampleRate);
}
