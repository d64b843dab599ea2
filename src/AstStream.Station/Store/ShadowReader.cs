using AstStream.Events;
using AstStream.Events.Unusual;

namespace AstStream.Station.Store;

/// <summary>Compares a model with the one that scores in its shadow, by what a store has of both. For one thread at a time.</summary>
public sealed class ShadowReader : IDisposable
{
    private const int MostEvents = 50_000; // of each, the latest

    private readonly StoreFile _file;
    private readonly StoreReader _reader;

    private ShadowReader(StoreFile file, StoreReader reader) => (_file, _reader) = (file, reader);

    /// <summary>Opens a store.</summary>
    /// <exception cref="StoreException">There is none, or it can't be read.</exception>
    public static ShadowReader Open(string path)
    {
        var file = StoreFile.OpenToRead(path);
        try
        {
            return new ShadowReader(file, StoreReader.Open(path));
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>What both made of the time in which both heard something.</summary>
    /// <param name="model">The model's name in the pipeline.</param>
    /// <param name="hash">The hash of its checkpoint.</param>
    /// <param name="shadow">The name of the one in its shadow.</param>
    /// <param name="shadowHash">The hash of that one's checkpoint.</param>
    /// <param name="since">The earliest onset.</param>
    /// <exception cref="StoreException">Reading failed.</exception>
    public ShadowComparison Compare(string model, string hash, string shadow, string shadowHash, DateTimeOffset since)
    {
        var times = Times(shadow, shadowHash, hash, since);
        if (times.Count == 0)
            return ShadowComparison.Of([], [], times);
        var query = new EventQuery { Model = (model, hash), Since = times[0].Began, Limit = MostEvents };
        List<StoredEvent> events = [.. _reader.Events(query)];
        var shadows = Shadows(shadow, shadowHash, times[0].Began);

        // Where there are more of one than are read, the time before the earliest of them is left out for both.
        var first = times[0].Began;
        if (events.Count == MostEvents && events[0].Time > first)
            first = events[0].Time;
        if (shadows.Count == MostEvents && shadows[^1].Time > first)
            first = shadows[^1].Time;
        times = [.. times.Where(t => t.Ended > first).Select(t => (t.Began > first ? t.Began : first, t.Ended))];
        bool IsCommon(DateTimeOffset time) => times.Any(t => time >= t.Began && time < t.Ended);
        return ShadowComparison.Of(
            [.. events.Where(e => e.Event.State == EventState.Closed && e.Event.Label != UnusualDecoder.Label && IsCommon(e.Time))],
            [.. shadows.Where(e => IsCommon(e.Time))],
            times);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _reader.Dispose();
        _file.Dispose();
    }

    private List<(DateTimeOffset Began, DateTimeOffset Ended)> Times(
        string model, string hash, string beside, DateTimeOffset since) => _file.Guarded("reading", () =>
        {
            using var command = _file.Command(
                """
                SELECT max(began, $3), ended FROM shadow_times WHERE model = $0 AND hash = $1 AND beside = $2 AND ended > $3 ORDER BY began
                """, model, hash, beside, StoreTime.Of(since));
            using var rows = command.ExecuteReader();
            var times = new List<(DateTimeOffset, DateTimeOffset)>();
            while (rows.Read())
                times.Add((StoreTime.From(rows.GetInt64(0)), StoreTime.From(rows.GetInt64(1))));
            return times;
        });

    private List<ShadowEvent> Shadows(string model, string hash, DateTimeOffset since) => _file.Guarded("reading", () =>
    {
        using var command = _file.Command(
            """
            SELECT coalesce(s.name, '?'), coalesce(l.name, '?'), e.time, e.end, e.score
            FROM shadow_events e LEFT JOIN streams s ON s.id = e.stream LEFT JOIN labels l ON l.id = e.label
            WHERE e.time >= $0 AND e.model IN (SELECT id FROM models WHERE name = $1 AND hash = $2) ORDER BY e.time DESC LIMIT $3
            """, StoreTime.Of(since), model, hash, MostEvents);
        using var rows = command.ExecuteReader();
        var events = new List<ShadowEvent>();
        while (rows.Read())
            events.Add(new ShadowEvent(
                rows.GetString(0), rows.GetString(1), StoreTime.From(rows.GetInt64(2)), StoreTime.From(rows.GetInt64(3)),
                rows.GetDouble(4)));
        return events;
    });
}
