using System.Globalization;
using AstStream.Dsp.Levels;
using AstStream.Events;
using Microsoft.Data.Sqlite;

namespace AstStream.Station.Store;

/// <summary>Reads a store, also while a run writes to it. For one thread at a time.</summary>
public sealed class StoreReader : IDisposable
{
    private const int MostBranches = 64;
    private const int AtOnce = 5_000; // events that are read at a time

    private readonly StoreFile _file;

    private StoreReader(StoreFile file) => _file = file;

    /// <summary>Opens a store.</summary>
    /// <exception cref="StoreException">There is none, or it can't be read.</exception>
    public static StoreReader Open(string path) => new(StoreFile.OpenToRead(path));

    /// <summary>
    /// Events in the order of their time. They are read some at a time, each time as the store is then: whoever takes long over them holds
    /// nothing up.
    /// </summary>
    /// <exception cref="StoreException">Reading failed.</exception>
    public IEnumerable<StoredEvent> Events(EventQuery query)
    {
        (long Time, long Number)? after = null;
        while (true)
        {
            var part = _file.Guarded("reading", () => Read(query, after));
            foreach (var e in part)
                yield return e;
            if (query.Limit is not null || part.Count < AtOnce)
                yield break;
            after = (StoreTime.Of(part[^1].Time), part[^1].Number);
        }
    }

    /// <summary>The ids that begin with some hexadecimal digits, at most so many.</summary>
    /// <exception cref="StoreException">Reading failed.</exception>
    public IReadOnlyList<string> Ids(string beginning, int most) => _file.Guarded("reading", () =>
    {
        const int digits = 20; // of the ids that the engine gives
        var rest = Math.Max(beginning.Length % 2, digits - beginning.Length);
        using var command = _file.Command(
            "SELECT id FROM events WHERE id BETWEEN $0 AND $1 OR id = $3 ORDER BY id LIMIT $2",
            EventId.Bytes(beginning + new string('0', rest)), EventId.Bytes(beginning + new string('f', rest)), most,
            EventId.Bytes(beginning));
        using var rows = command.ExecuteReader();
        var ids = new List<string>();
        while (rows.Read())
            ids.Add(EventId.Text((byte[])rows.GetValue(0)));
        return ids;
    });

    /// <summary>The names of the labels that events have.</summary>
    /// <exception cref="StoreException">Reading failed.</exception>
    public IReadOnlyList<string> Labels() => Names("labels");

    /// <summary>The names of the streams.</summary>
    /// <exception cref="StoreException">Reading failed.</exception>
    public IReadOnlyList<string> Streams() => Names("streams");

    /// <summary>How many events each label has on each day, with their seconds.</summary>
    /// <param name="first">The first day.</param>
    /// <param name="last">The last day.</param>
    /// <param name="stream">Of one stream; null for all.</param>
    /// <exception cref="StoreException">Reading failed.</exception>
    public IReadOnlyList<DayCount> Days(DateOnly first, DateOnly last, string? stream = null) => _file.Guarded("reading", () =>
    {
        using var command = stream is null
            ? _file.Command(
                """
                SELECT d.day, l.name, d.events, d.seconds FROM label_days d JOIN labels l ON l.id = d.label
                WHERE d.day BETWEEN $0 AND $1 ORDER BY d.day, l.name
                """, first.DayNumber, last.DayNumber)
            : _file.Command(
                """
                SELECT d.day, l.name, sum(d.events), sum(d.seconds)
                FROM stream_days d JOIN labels l ON l.id = d.label JOIN streams s ON s.id = d.stream
                WHERE s.name = $2 AND d.day BETWEEN $0 AND $1 GROUP BY d.day, l.name ORDER BY d.day, l.name
                """, first.DayNumber, last.DayNumber, stream);
        using var rows = command.ExecuteReader();
        var days = new List<DayCount>();
        while (rows.Read())
            days.Add(new DayCount(DateOnly.FromDayNumber(rows.GetInt32(0)), rows.GetString(1), rows.GetInt64(2), rows.GetDouble(3)));
        return days;
    });

    /// <summary>What became of a stream's time, in order, as far as it is known when that was; at most so many intervals.</summary>
    /// <param name="stream">The stream's name.</param>
    /// <param name="since">The beginning: what goes on then begins there.</param>
    /// <param name="until">The end, exclusive: what goes on then ends there.</param>
    /// <param name="most">The most intervals.</param>
    /// <exception cref="StoreException">Reading failed.</exception>
    public IReadOnlyList<StoredCoverage> Coverage(string stream, DateTimeOffset since, DateTimeOffset until, int most) => _file.Guarded(
        "reading", () =>
        {
            using var command = _file.Command( // + keeps SQLite from walking through all streams' rows by time
                $"""
                SELECT max(coverage.time, $1), min({CoverageWriter.End}, $2), state, reason, source, coalesce(m.name, '?')
                FROM recordings r JOIN coverage ON coverage.recording = r.id LEFT JOIN models m ON m.id = coverage.model
                WHERE r.stream IN (SELECT id FROM streams WHERE name = $0) AND +coverage.time < $2 AND {CoverageWriter.End} > $1
                ORDER BY +coverage.time LIMIT $3
                """, stream, StoreTime.Of(since), StoreTime.Of(until), most);
            using var rows = command.ExecuteReader();
            var intervals = new List<StoredCoverage>();
            while (rows.Read())
            {
                var (begin, end) = (rows.GetInt64(0), rows.GetInt64(1));
                intervals.Add(new StoredCoverage(
                    StoreTime.From(begin), TimeSpan.FromTicks(end - begin).TotalSeconds, rows.GetString(2), rows.GetString(3),
                    rows.GetString(4), rows.GetString(5)));
            }

            return intervals;
        });

    /// <summary>How loud a stream was in the minutes of a while that were heard, in order; at most so many.</summary>
    /// <param name="stream">The stream's name. Where sources share it, their minutes follow each other by time.</param>
    /// <param name="since">The earliest minute.</param>
    /// <param name="until">Minutes are before it.</param>
    /// <param name="most">The most minutes.</param>
    /// <exception cref="StoreException">Reading failed.</exception>
    public IReadOnlyList<StoredMinute> Levels(string stream, DateTimeOffset since, DateTimeOffset until, int most) => _file.Guarded(
        "reading", () =>
        {
            using var command = _file.Command(
                """
                SELECT time, seconds, laeq, lcpeak, la10, la90, calibration, bands FROM levels
                WHERE stream IN (SELECT id FROM streams WHERE name = $0) AND time BETWEEN $1 AND $2 ORDER BY time LIMIT $3
                """, stream, StoreTime.Of(since), StoreTime.Of(until) - 1, most);
            using var rows = command.ExecuteReader();
            var minutes = new List<StoredMinute>();
            while (rows.Read())
            {
                var levels = new LevelSummary(
                    rows.GetDouble(1), rows.GetDouble(2), rows.GetDouble(3), rows.GetDouble(4), rows.GetDouble(5),
                    StoredBands.Unpack((byte[])rows.GetValue(7)));
                minutes.Add(new StoredMinute(
                    StoreTime.From(rows.GetInt64(0)), levels.Plus(rows.IsDBNull(6) ? 0 : rows.GetDouble(6)), !rows.IsDBNull(6)));
            }

            return minutes;
        });

    /// <summary>Of the latest events of a label: how many have a score in each of some equal bins, and what people found of them.</summary>
    /// <exception cref="StoreException">Reading failed.</exception>
    public IReadOnlyList<(int Events, int Right, int Wrong)> Scores(string label, int bins, int most) => _file.Guarded("reading", () =>
    {
        var counts = new (int Events, int Right, int Wrong)[bins];
        using var command = _file.Command(
            $"""
            SELECT min(cast(e.score * $1 AS INTEGER), $1 - 1), {Verdict("r.verdict")}, count(*)
            FROM (SELECT number, score FROM events WHERE label = (SELECT id FROM labels WHERE name = $0) ORDER BY time DESC LIMIT $2) e
                LEFT JOIN reviews r ON r.number = {LastReview("e.number")}
            GROUP BY 1, 2
            """, label, bins, most);
        using var rows = command.ExecuteReader();
        while (rows.Read())
        {
            ref var bin = ref counts[Math.Clamp(rows.GetInt32(0), 0, bins - 1)];
            var (verdict, count) = (rows.IsDBNull(1) ? null : rows.GetString(1), rows.GetInt32(2));
            bin.Events += count;
            bin.Right += verdict == nameof(ReviewVerdict.Right) ? count : 0;
            bin.Wrong += verdict is nameof(ReviewVerdict.Wrong) or nameof(ReviewVerdict.OtherLabel) ? count : 0;
        }

        return counts;
    });

    /// <summary>Whether a text is a place in the order of time.</summary>
    public static bool IsPlace(string text) => PlaceOf(text) is not null;

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    /// <summary>
    /// The first or the last of several labels, or of several streams, are the first or the last of those of each: so an index gives them
    /// in order, however many there are.
    /// </summary>
    private SqliteCommand Statement(EventQuery query, (long Time, long Number)? after)
    {
        var (values, common) = (new List<object?>(), new List<string> { "1" });
        string Value(object value)
        {
            values.Add(value);
            return FormattableString.Invariant($"${values.Count - 1}");
        }

        if (after is { } place)
            common.Add($"(time, number) > ({Value(place.Time)}, {Value(place.Number)})");
        if (query.Before is not null && PlaceOf(query.Before) is { } earlier)
            common.Add($"(time, number) < ({Value(earlier.Time)}, {Value(earlier.Number)})");
        if (query.Id is { } id)
            common.Add($"id = {Value(EventId.Bytes(id))}");
        if (query.Numbers is { } only)
            common.Add($"number IN ({string.Join(", ", only)})");
        if (query.Model is { } model)
            common.Add($"model IN (SELECT id FROM models WHERE name = {Value(model.Name)} AND hash = {Value(model.Hash)})");
        if (query.Since is { } since)
            common.Add($"time >= {Value(StoreTime.Of(since))}");
        if (query.Until is { } until)
            common.Add($"time < {Value(StoreTime.Of(until))}");
        if (query.Verdicts.Count > 0)
        {
            var verdict = $"(SELECT {Verdict("verdict")} FROM reviews WHERE number = {LastReview("events.number")})";
            common.Add($"({string.Join(" OR ", query.Verdicts.Select(
                v => v is { } known ? $"{verdict} = {Value(known.ToString())}" : $"{verdict} IS NULL"))})");
        }

        // Few are reviewed: these are looked up, and put in order after.
        var areReviewed = query.Verdicts.Count > 0 && !query.Verdicts.Contains(null);
        if (areReviewed)
            common.Add("number IN (SELECT event FROM reviews)");
        if (query.MinScore > 0)
            common.Add($"score >= {Value(query.MinScore)}");
        var labels = query.Labels.Count > 0 ? Ids("labels", $"name IN ({string.Join(", ", query.Labels.Select(Value))})", values) : null;
        var streams = query.Streams.Count > 0
            ? Ids("streams", string.Join(" OR ", query.Streams.Select(s => $"name GLOB {Value(Glob(s))}")), values) : null;
        var (by, keys) = labels is { Count: <= MostBranches } ? ("label", labels) : ("stream", streams);
        IEnumerable<string> branches = keys is null or { Count: 0 or > MostBranches } ? ["1"]
            : keys.Select(k => FormattableString.Invariant($"{by} = {k}"));
        if (labels is not null)
            common.Add($"label IN ({string.Join(", ", labels)})");
        if (streams is not null)
            common.Add($"stream IN ({string.Join(", ", streams)})");
        var time = areReviewed ? "+time" : "time"; // no index gives that order
        var end = query.Limit is { } limit ? FormattableString.Invariant($"ORDER BY {time} DESC, number DESC LIMIT {limit}")
            : FormattableString.Invariant($"ORDER BY {time}, number LIMIT {AtOnce}");
        var numbers = string.Join(
            " UNION ALL ", branches.Select(b => $"SELECT * FROM (SELECT number, time FROM events WHERE {b} AND "
                + $"{string.Join(" AND ", common)} {end})"));
        return _file.Command(
            $"""
            SELECT e.id, e.closed, e.time, e.clock, e.start, e.end, e.score, e.mean_score, e.first_offset, e.last_offset,
                coalesce(s.name, '?'), coalesce(s.source, '?'), coalesce(s.topic, ''), s.partition, coalesce(l.name, '?'),
                coalesce(m.name, '?'), coalesce(m.hash, ''), m.precision, m.provider,
                {Verdict("r.verdict")}, r.label, r.by, r.time, e.number, c.id
            FROM (SELECT * FROM ({numbers}) {end}) p JOIN events e ON e.number = p.number
                LEFT JOIN streams s ON s.id = e.stream LEFT JOIN labels l ON l.id = e.label LEFT JOIN models m ON m.id = e.model
                LEFT JOIN reviews r ON r.number = {LastReview("e.number")}
                LEFT JOIN clips c ON c.number = (SELECT max(clip) FROM clip_events WHERE event = e.id)
            ORDER BY p.time, p.number
            """, [.. values]);
    }

    /// <summary>The latest events of a query with a limit; the next ones after a place of one without.</summary>
    private List<StoredEvent> Read(EventQuery query, (long Time, long Number)? after)
    {
        using var command = Statement(query, after);
        using var rows = command.ExecuteReader();
        var events = new List<StoredEvent>();
        while (rows.Read())
        {
            var (time, place, clock) = (StoreTime.From(rows.GetInt64(2)), ModelTime.Seconds(rows.GetInt64(4)), rows.GetInt64(3));
            var stream = new StoredStream(rows.GetString(10), rows.GetString(11), clock > 0 ? time : null, place, clock == 2)
            {
                Partition = rows.GetString(12) is { Length: > 0 } topic ? new InputPartition(topic, rows.GetInt32(13)) : null,
            };
            var e = new SoundEvent(
                EventId.Text((byte[])rows.GetValue(0)), rows.GetInt64(1) == 1 ? EventState.Closed : EventState.Opened, stream,
                rows.GetString(15), rows.GetString(14), place, ModelTime.Seconds(rows.GetInt64(5)), rows.GetFloat(6), rows.GetFloat(7))
            {
                Origin = new InputRange(rows.GetInt64(8), rows.GetInt64(9)),
                HeardBy = rows.GetString(16) is { Length: > 0 } hash
                    ? new ModelIdentity(hash, rows.GetString(17), rows.GetString(18)) : null,
            };
            var review = rows.IsDBNull(19) ? null : new Review(
                e.Id, Enum.Parse<ReviewVerdict>(rows.GetString(19)), rows.IsDBNull(20) ? null : rows.GetString(20), rows.GetString(21),
                StoreTime.From(rows.GetInt64(22)));
            if (!float.IsFinite(e.Score) || !float.IsFinite(e.MeanScore))
                throw new FormatException($"event {e.Id} has a score of {e.Score}");
            events.Add(new StoredEvent(e, time, clock > 0, review)
            {
                Number = rows.GetInt64(23),
                Clip = rows.IsDBNull(24) ? null : EventId.Text((byte[])rows.GetValue(24)),
            });
        }

        return events;
    }

    private static (long Time, long Number)? PlaceOf(string text) =>
        text.Split('.') is [var time, var number]
            && long.TryParse(time, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var t)
            && long.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? (t, n) : null;

    /// <summary>A verdict that holds; NULL for one that was taken back.</summary>
    private static string Verdict(string column) => $"nullif({column}, '{ReviewVerdict.Withdrawn}')";

    private static string LastReview(string number) => $"(SELECT max(number) FROM reviews WHERE event = {number})";

    /// <summary>The ids of the rows for which a condition holds.</summary>
    private List<long> Ids(string table, string condition, List<object?> values)
    {
        using var command = _file.Command($"SELECT id FROM {table} WHERE {condition}", [.. values]);
        using var rows = command.ExecuteReader();
        var ids = new List<long>();
        while (rows.Read())
            ids.Add(rows.GetInt64(0));
        return ids;
    }

    /// <summary>A pattern of streams as SQLite has it: of its signs only the star means anything.</summary>
    private static string Glob(string pattern) =>
        pattern.Replace("[", "[[]", StringComparison.Ordinal).Replace("?", "[?]", StringComparison.Ordinal);

    private List<string> Names(string table) => _file.Guarded("reading", () =>
    {
        using var command = _file.Command($"SELECT DISTINCT name FROM {table} ORDER BY name");
        using var rows = command.ExecuteReader();
        var names = new List<string>();
        while (rows.Read())
            names.Add(rows.GetString(0));
        return names;
    });
}
