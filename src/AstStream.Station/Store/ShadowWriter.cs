using AstStream.Events;

namespace AstStream.Station.Store;

/// <summary>Writes what models that score in the shadow of others would have reported, and when they heard something.</summary>
/// <param name="file">The store, within a transaction.</param>
/// <param name="names">The ids of names in it.</param>
/// <param name="time">The clock.</param>
internal sealed class ShadowWriter(Func<StoreFile> file, StoreNames names, TimeProvider time)
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMinutes(5); // a longer one is another time

    /// <summary>Takes an event that is closed, or an interval of coverage.</summary>
    public void Write(StreamRecord record)
    {
        if (record is SoundEvent { State: EventState.Closed } e)
            file().Prepared(
                """
                INSERT INTO shadow_events VALUES ($0, $1, $2, $3, $4, $5, $6)
                ON CONFLICT DO UPDATE SET end = excluded.end, score = excluded.score
                """,
                EventId.Bytes(e.Id), names.Stream(e.Stream), names.Label(e.Label), names.Model(e), At(e.Stream, e.Onset),
                At(e.Stream, e.Offset), (double)e.Score).ExecuteNonQuery();
        else if (record is CoverageInterval { State: not CoverageState.Lost } c)
            Write(c);
    }

    /// <summary>Removes what is older than a time, some of it; returns how much that was.</summary>
    public int Remove(long before, int most) =>
        file().Prepared(
            "DELETE FROM shadow_events WHERE id IN (SELECT id FROM shadow_events WHERE time < $0 ORDER BY time LIMIT $1)", before, most)
            .ExecuteNonQuery()
        + file().Prepared("DELETE FROM shadow_times WHERE ended < $0", before).ExecuteNonQuery();

    private void Write(CoverageInterval c)
    {
        var (began, ended) = (At(c.Stream, ModelTime.Seconds(c.Start)), At(c.Stream, ModelTime.Seconds(c.End)));
        var joined = file().Prepared(
            """
            UPDATE shadow_times SET ended = max(ended, $3)
            WHERE model = $0 AND hash = $1 AND began <= $3 AND ended >= $2
            """, c.Model, c.ModelHash ?? "", began - s_pause.Ticks, ended).ExecuteNonQuery();
        if (joined == 0)
            file().Prepared(
                "INSERT INTO shadow_times VALUES ($0, $1, $2, $3)", c.Model, c.ModelHash ?? "", began, ended).ExecuteNonQuery();
    }

    private long At(StreamIdentity stream, double seconds) => StoreTime.Of(stream.TimeAt(seconds) ?? time.GetUtcNow());
}
