using AstStream.Events;

namespace AstStream.Station.Store;

/// <summary>
/// Writes what became of streams' time: each moment of a recording once for a model, whatever is said of it again, and with other bounds.
/// </summary>
/// <param name="file">The store, within a transaction.</param>
/// <param name="names">The ids of names in it.</param>
/// <param name="time">The clock.</param>
internal sealed class CoverageWriter(Func<StoreFile> file, StoreNames names, TimeProvider time)
{
    /// <summary>When a row ends, in the store's time.</summary>
    internal const string End = "coverage.time + (coverage.end - coverage.start) * 625";

    /// <summary>Adds what is not known yet of an interval; it goes on with the row before it where that says the same.</summary>
    public void Write(CoverageInterval c)
    {
        var (recording, model) = (names.Recording(c.Stream), names.Model(c));
        var (state, reason, source) = (c.State.ToString(), c.Reason.ToString(), c.Source?.ToString() ?? "");
        var (start, grows) = (c.Start, -1L); // the row that goes on
        using (var before = file().Prepared(
            """
            SELECT start, end, state, reason, source FROM coverage WHERE recording = $0 AND model = $1 AND start <= $2
            ORDER BY start DESC LIMIT 1
            """, recording, model, c.Start).ExecuteReader())
        {
            if (before.Read())
            {
                start = Math.Max(start, before.GetInt64(1));
                var said = (before.GetString(2), before.GetString(3), before.GetString(4));
                if (before.GetInt64(1) >= c.Start && said == (state, reason, source))
                    grows = before.GetInt64(0);
            }
        }

        while (start < c.End)
        {
            var (end, next) = NextAfter(recording, model, start, c.End);
            if (grows >= 0)
                file().Prepared(
                    "UPDATE coverage SET end = $3 WHERE recording = $0 AND model = $1 AND start = $2", recording, model, grows, end)
                    .ExecuteNonQuery();
            else if (end > start)
                file().Prepared(
                    "INSERT INTO coverage VALUES ($0, $1, $2, $3, $4, $5, $6, $7)", recording, model, start, end, state, reason, source,
                    StoreTime.Of(c.Stream.TimeAt(ModelTime.Seconds(start)) ?? time.GetUtcNow())).ExecuteNonQuery();
            (start, grows) = (next, -1);
        }
    }

    /// <summary>Removes what ended before a time, some of it; returns how much that was.</summary>
    public int Remove(long before, int most) => file().Prepared(
        $"""
        DELETE FROM coverage WHERE (recording, model, start) IN
            (SELECT recording, model, start FROM coverage WHERE coverage.time < $0 AND {End} <= $0 ORDER BY coverage.time LIMIT $1)
        """, before, most).ExecuteNonQuery();

    /// <summary>Where the row after a sample begins and ends; both are the limit where none begins before that.</summary>
    private (long Start, long End) NextAfter(long recording, long model, long sample, long limit)
    {
        using var row = file().Prepared(
            """
            SELECT start, end FROM coverage WHERE recording = $0 AND model = $1 AND start >= $2 AND start < $3 ORDER BY start LIMIT 1
            """, recording, model, sample, limit).ExecuteReader();
        return row.Read() ? (row.GetInt64(0), row.GetInt64(1)) : (limit, limit);
    }
}
