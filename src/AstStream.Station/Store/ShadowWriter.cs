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
        {
            var end = At(e.Stream, e.Offset);
            file().Prepared(
                """
                INSERT INTO shadow_events VALUES ($0, $1, $2, $3, $4, $5, $6)
                ON CONFLICT DO UPDATE SET end = excluded.end, score = excluded.score
                """,
                EventId.Bytes(e.Id), names.Stream(e.Stream), names.Label(e.Label), names.Model(e),
                end - TimeSpan.FromSeconds(e.Offset - e.Onset).Ticks, end, (double)e.Score).ExecuteNonQuery();
        }
        else if (record is CoverageInterval { State: not CoverageState.Lost } c)
        {
            Write(c);
        }
    }

    /// <summary>Removes what is older than a time, some of it; returns how much that was.</summary>
    public int Remove(long before, int most)
    {
        // Without the events of a time there is nothing to compare.
        file().Prepared("UPDATE OR REPLACE shadow_times SET began = $0 WHERE began < $0 AND ended > $0", before).ExecuteNonQuery();
        return file().Prepared("DELETE FROM shadow_times WHERE ended <= $0", before).ExecuteNonQuery() + file().Prepared(
            "DELETE FROM shadow_events WHERE id IN (SELECT id FROM shadow_events WHERE time < $0 ORDER BY time LIMIT $1)", before, most)
            .ExecuteNonQuery();
    }

    /// <summary>Adds a time, as one with those that it touches.</summary>
    private void Write(CoverageInterval c)
    {
        var (began, ended) = (At(c.Stream, ModelTime.Seconds(c.Start)), At(c.Stream, ModelTime.Seconds(c.End)));
        if (ended <= began)
            began = ended - TimeSpan.FromSeconds(ModelTime.Seconds(c.End - c.Start)).Ticks; // of no known time: it has just ended
        const string touched = "model = $0 AND hash = $1 AND beside = $2 AND began <= $3 AND ended >= $4";
        object?[] key = [c.Model, c.ModelHash ?? "", c.ShadowOf, ended + s_pause.Ticks, began - s_pause.Ticks];
        using (var rows = file().Prepared($"SELECT min(began), max(ended) FROM shadow_times WHERE {touched}", key).ExecuteReader())
        {
            if (rows.Read() && !rows.IsDBNull(0))
                (began, ended) = (Math.Min(began, rows.GetInt64(0)), Math.Max(ended, rows.GetInt64(1)));
        }

        file().Prepared($"DELETE FROM shadow_times WHERE {touched}", key).ExecuteNonQuery();
        file().Prepared(
            "INSERT INTO shadow_times VALUES ($0, $1, $2, $3, $4)", c.Model, c.ModelHash ?? "", c.ShadowOf, began, ended).ExecuteNonQuery();
    }

    private long At(StreamIdentity stream, double seconds) => StoreTime.Of(stream.TimeAt(seconds) ?? time.GetUtcNow());
}
