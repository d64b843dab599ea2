using System.Text.Json;
using AstStream.Station.Store;

namespace AstStream.Station.Notify;

/// <summary>
/// Notifications in a store, until they have arrived: what is in it is delivered, whatever happens to this process. Any thread may use it.
/// </summary>
/// <param name="store">Where the store is.</param>
/// <param name="use">Writes to it.</param>
/// <param name="time">The clock.</param>
internal sealed class NoticeOutbox(string store, Action<Action<StoreWriter>> use, TimeProvider time)
{
    private const int AtOnce = 2_000; // old rows that one transaction removes

    // $0 is now, $1 the latest that anything is due: what is due later than that waits for a clock that was set back.
    private const string IsDue = "(due <= $0 OR due > $1)";

    private static readonly TimeSpan s_clipPatience = TimeSpan.FromSeconds(20);

    private const string CountWaiting = "SELECT count(*) FROM notifications WHERE target = $0 AND state = 'waiting'";

    /// <summary>
    /// Takes notifications, but for those of targets for which too many wait: all, or none where it fails. One that is known already is not
    /// taken again.
    /// </summary>
    /// <param name="entries">The notifications.</param>
    /// <param name="most">How many may wait for a target.</param>
    /// <returns>The targets for which too many wait.</returns>
    /// <exception cref="StoreException">It failed.</exception>
    public IReadOnlySet<string> Add(IReadOnlyList<OutboxEntry> entries, long most)
    {
        var full = new HashSet<string>(StringComparer.Ordinal);
        Write("keeping notifications", file =>
        {
            foreach (var target in entries.GroupBy(e => e.Target))
            {
                if ((long)file.Prepared(CountWaiting, target.Key).ExecuteScalar()! >= most)
                    full.Add(target.Key);
            }

            foreach (var entry in entries.Where(e => !full.Contains(e.Target)))
                Insert(file, entry);
        });
        return full;
    }

    /// <summary>Puts a digest in the place of what it tells of, at the end of the line.</summary>
    /// <exception cref="StoreException">It failed.</exception>
    public void Gather(OutboxEntry digest, IReadOnlyList<HeldNotice> held) => Write("keeping notifications", file =>
    {
        foreach (var one in held)
            file.Prepared("UPDATE notifications SET state = $1 WHERE number = $0", one.Number, NoticeState.Gathered).ExecuteNonQuery();
        Insert(file, digest);
    });

    /// <summary>Says what became of one.</summary>
    /// <exception cref="StoreException">It failed.</exception>
    public void Settle(long number, string state, string problem = "") => Write("keeping notifications", file =>
        file.Prepared("UPDATE notifications SET state = $1, problem = $2 WHERE number = $0", number, state, problem).ExecuteNonQuery());

    /// <summary>The next one of a target that may be sent now; null where there is none.</summary>
    /// <exception cref="StoreException">Reading failed.</exception>
    public DueNotice? Next(string target) => Read(file =>
    {
        var now = time.GetUtcNow();
        using var rows = file.Prepared(
            $"SELECT number, made, notice FROM notifications WHERE target = $2 AND state = 'waiting' AND {IsDue} ORDER BY number LIMIT 1",
            StoreTime.Of(now), StoreTime.Of(now + s_clipPatience), target).ExecuteReader();
        return !rows.Read() ? null : new DueNotice(
            rows.GetInt64(0), StoreTime.From(rows.GetInt64(1)),
            JsonSerializer.Deserialize(rows.GetString(2), NoticeContext.Default.Notice)!);
    });

    /// <summary>Brings forward what waits for a clip that is there now, and says which targets have something that is due.</summary>
    /// <exception cref="StoreException">It failed.</exception>
    public IReadOnlyList<string> Due()
    {
        const string here = "SELECT number FROM notifications WHERE state = 'waiting' AND due > 0 AND event IN "
            + "(SELECT event FROM clip_events)";
        var (isHere, due) = Read(file => (file.Prepared($"{here} LIMIT 1").ExecuteScalar() is not null, Due(file)));
        if (!isHere)
            return due;
        Write("keeping notifications", file => file.Prepared(
            $"UPDATE notifications SET due = 0 WHERE number IN ({here})").ExecuteNonQuery());
        return Read(Due);

        IReadOnlyList<string> Due(StoreFile file)
        {
            var now = time.GetUtcNow();
            using var rows = file.Prepared(
                $"SELECT DISTINCT target FROM notifications WHERE state = 'waiting' AND {IsDue}", StoreTime.Of(now),
                StoreTime.Of(now + s_clipPatience)).ExecuteReader();
            var targets = new List<string>();
            while (rows.Read())
                targets.Add(rows.GetString(0));
            return targets;
        }
    }

    /// <summary>How many wait for a target, held ones aside.</summary>
    /// <exception cref="StoreException">Reading failed.</exception>
    public long Waiting(string target) => Read(file => (long)file.Prepared(CountWaiting, target).ExecuteScalar()!);

    /// <summary>What is held of a rule for a target, in order, at most so many.</summary>
    /// <exception cref="StoreException">Reading failed.</exception>
    public IReadOnlyList<HeldNotice> Held(string rule, string target, int most) => Read(file =>
    {
        using var rows = file.Prepared(
            """
            SELECT number, label, stream, time FROM notifications
            WHERE target = $1 AND state = 'held' AND rule = $0 ORDER BY number LIMIT $2
            """, rule, target, most).ExecuteReader();
        var held = new List<HeldNotice>();
        while (rows.Read())
            held.Add(new HeldNotice(rows.GetInt64(0), rows.GetString(1), rows.GetString(2), StoreTime.From(rows.GetInt64(3))));
        return (IReadOnlyList<HeldNotice>)held;
    });

    /// <summary>Sends one by one what is held for digests that no rule makes any more.</summary>
    /// <param name="rules">The rules and targets that do.</param>
    /// <exception cref="StoreException">It failed.</exception>
    public void ReleaseHeld(IReadOnlySet<(string Rule, string Target)> rules) => Write("keeping notifications", file =>
    {
        var orphans = new List<(string, string)>();
        using (var rows = file.Prepared("SELECT DISTINCT rule, target FROM notifications WHERE state = 'held'").ExecuteReader())
        {
            while (rows.Read())
            {
                if (!rules.Contains((rows.GetString(0), rows.GetString(1))))
                    orphans.Add((rows.GetString(0), rows.GetString(1)));
            }
        }

        foreach (var (rule, target) in orphans)
            file.Prepared("UPDATE notifications SET state = 'waiting' WHERE state = 'held' AND rule = $0 AND target = $1", rule, target)
                .ExecuteNonQuery();
    });

    /// <summary>What was made since a time, in order: when, by which rule, for which target, and whether it is or was held.</summary>
    /// <exception cref="StoreException">Reading failed.</exception>
    public IReadOnlyList<(DateTimeOffset Made, OutboxTrace Trace)> Since(DateTimeOffset since) => Read(file =>
    {
        using var rows = file.Prepared(
            """
            SELECT made, target, rule, label, stream, time, state, event FROM notifications
            WHERE made >= $0 OR state = 'held' ORDER BY number
            """, StoreTime.Of(since)).ExecuteReader();
        var traces = new List<(DateTimeOffset, OutboxTrace)>();
        while (rows.Read())
            traces.Add((StoreTime.From(rows.GetInt64(0)), new OutboxTrace(
                rows.GetString(1), rows.GetString(2), rows.GetString(3), rows.GetString(4), StoreTime.From(rows.GetInt64(5)),
                rows.GetString(6), rows.IsDBNull(7) ? null : EventId.Text((byte[])rows.GetValue(7)))));
        return (IReadOnlyList<(DateTimeOffset, OutboxTrace)>)traces;
    });

    /// <summary>Gives up what was made before a time and has not arrived; returns how many.</summary>
    /// <exception cref="StoreException">It failed.</exception>
    public int Expire(DateTimeOffset before)
    {
        var expired = 0;
        Write("keeping notifications", file => expired = file.Prepared(
            "UPDATE notifications SET state = 'expired' WHERE state IN ('waiting', 'held') AND made < $0", StoreTime.Of(before))
            .ExecuteNonQuery());
        return expired;
    }

    /// <summary>Forgets some that were settled before a time; true where there may be more.</summary>
    /// <exception cref="StoreException">It failed.</exception>
    public bool Remove(DateTimeOffset before)
    {
        var removed = 0;
        Write("removing old notifications", file => removed = file.Prepared(
            """
            DELETE FROM notifications WHERE number IN (
                SELECT number FROM notifications WHERE made < $0 AND state NOT IN ('waiting', 'held') ORDER BY made LIMIT $1)
            """, StoreTime.Of(before), AtOnce).ExecuteNonQuery());
        return removed >= AtOnce;
    }

    /// <summary>The clip of an event, where its sound is kept: its file's name in the folder of clips; null where there is none.</summary>
    /// <exception cref="StoreException">Reading failed.</exception>
    public string? ClipOf(string eventId) => Read(file => file.Prepared(
        "SELECT c.file FROM clip_events x JOIN clips c ON c.number = x.clip WHERE x.event = $0", EventId.Bytes(eventId))
        .ExecuteScalar() as string);

    private void Insert(StoreFile file, OutboxEntry entry)
    {
        var now = time.GetUtcNow();
        file.Prepared(
            """
            INSERT INTO notifications (key, target, rule, event, label, stream, state, made, due, time, notice)
            VALUES ($0, $1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT DO NOTHING
            """,
            entry.Key, entry.Target, entry.Rule, entry.Notice.EventId is { } id ? EventId.Bytes(id) : null, entry.Label, entry.Stream,
            entry.IsHeld ? NoticeState.Held : NoticeState.Waiting, StoreTime.Of(now),
            entry.WaitsForClip ? StoreTime.Of(now + s_clipPatience) : 0, StoreTime.Of(entry.Notice.Time),
            JsonSerializer.Serialize(entry.Notice, NoticeContext.Default.Notice)).ExecuteNonQuery();
    }

    private void Write(string what, Action<StoreFile> work) => use(writer => writer.Transact(what, file =>
    {
        work(file);
        return 0;
    }));

    /// <summary>Reads by a connection of its own, which is opened each time: the store may be another one than before.</summary>
    private T Read<T>(Func<StoreFile, T> work)
    {
        using var file = StoreFile.OpenToRead(store);
        return file.Guarded("reading", () => work(file));
    }
}
