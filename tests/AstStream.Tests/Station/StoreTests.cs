using System.Text;
using System.Text.Json;
using AstStream.Events;
using AstStream.Events.Json;
using AstStream.Station.Store;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;

namespace AstStream.Tests.Station;

public sealed class StoreTests : IDisposable
{
    private static readonly DateTimeOffset s_start = new(2026, 11, 26, 22, 30, 0, TimeSpan.Zero);

    private static readonly int s_day = new DateOnly(2026, 11, 27).DayNumber; // in the east it is the next day

    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;
    private readonly FakeTimeProvider _time = new(s_start + TimeSpan.FromHours(1));

    public StoreTests() => _time.SetLocalTimeZone(TimeZoneInfo.CreateCustomTimeZone("east", TimeSpan.FromHours(2), "east", "east"));

    private string Store => Path.Combine(_folder, "events.db");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Commit_EventsOfAllKinds_AreReadAsTheyWerePublished()
    {
        var kafka = new StreamIdentity("key\u001b[31m", "topic", s_start) { Partition = new InputPartition("sound", 3) };
        SoundEvent[] events =
        [
            Event("00ff", new StreamIdentity("yard", "mic", s_start), 1.5, 2.25),
            Event("not hexadecimal", new StreamIdentity("a.wav", "files"), 0, 0.16, EventState.Opened),
            Event("1234567890abcdef1234", kafka, 100.0001, 200, label: "Dog, \"bark\"") with { Origin = new InputRange(7, 9) },
            Event("aa", new StreamIdentity("yard", "mic", s_start.AddDays(-1)), 1, 2) with { HeardBy = null },
        ];
        Write(events);

        using var reader = StoreReader.Open(Store);
        var found = reader.Events(new EventQuery()).ToList();

        Assert.Equal(events.OrderBy(e => e.Stream.TimeAt(e.Onset) ?? _time.GetUtcNow()).Select(Json), found.Select(f => Json(f.Event)));
        Assert.Equal([true, true, true, false], found.Select(f => f.IsTimeKnown));
    }

    [Fact]
    public void Commit_TheSameRunAgain_ChangesNothing()
    {
        var mic = new StreamIdentity("yard", "mic", s_start);
        StreamRecord[] run =
        [
            Event("01", mic, 1, 1.5, EventState.Opened), Coverage(mic, 0, 100), Event("01", mic, 1, 3), Coverage(mic, 100, 200),
            Coverage(mic, 200, 250, CoverageState.Lost, LossReason.Gap), Event("02", mic, 5, 6, EventState.Opened), Coverage(mic, 250, 300),
        ];
        Write(run);
        var once = Dump();

        Write(run);
        Write(run[..2]);

        Assert.Equal(once, Dump());
        Assert.Contains("events|1|01|1|1|1|1|", once, StringComparison.Ordinal); // closed
        Assert.Equal(3, once.Split('\n').Count(l => l.StartsWith("coverage|", StringComparison.Ordinal)));
        Assert.Contains($"label_days|1|{s_day}|2|3", once, StringComparison.Ordinal); // two events, three seconds
    }

    [Fact]
    public void Commit_CoverageOfLaterRunsOfAStream_StandsApart()
    {
        Write([Coverage(new StreamIdentity("yard", "mic", s_start), 0, 100)]);
        Write([Coverage(new StreamIdentity("yard", "mic", s_start.AddHours(1)), 0, 50)]);
        Write([Coverage(new StreamIdentity("yard", "mic", s_start), 50, 150, CoverageState.Gated)]); // half of it is known
        Write([Coverage(new StreamIdentity("yard", "mic", s_start), 100, 150, CoverageState.Lost, LossReason.Gap)]); // all of it is

        var rows = Dump().Split('\n').Where(l => l.StartsWith("coverage|", StringComparison.Ordinal)).ToList();
        Assert.Equal(
            ["coverage|1|1|0|100|Analysed|None||", "coverage|1|1|100|150|Gated|None||", "coverage|2|1|0|50|Analysed|None||"],
            rows.Select(r => r[..(r.LastIndexOf('|') + 1)]));
    }

    [Fact]
    public void Events_Filters_GiveWhatIsAskedFor()
    {
        StreamIdentity Mic(string name) => new(name, "mic", s_start);
        Write(
        [
            Event("01", Mic("yard[1]"), 0, 1, label: "Dog", score: 0.9f), Event("02", Mic("yard?2"), 10, 11, label: "Cat", score: 0.5f),
            Event("03", Mic("hall"), 20, 21, label: "Dog", score: 0.4f), Event("04", Mic("yard[1]"), 30, 31, label: "Cow", score: 0.8f),
        ]);
        using var reader = StoreReader.Open(Store);
        string Ids(EventQuery query) => string.Join(' ', reader.Events(query).Select(e => e.Event.Id));

        Assert.Equal("01 03", Ids(new EventQuery { Labels = ["Dog"] }));
        Assert.Equal("01 02 03", Ids(new EventQuery { Labels = ["Dog", "Cat", "Nothing"] }));
        Assert.Equal("01 04", Ids(new EventQuery { Streams = ["yard[1]"] }));
        Assert.Equal("01 02 04", Ids(new EventQuery { Streams = ["yard*"] }));
        Assert.Equal("02", Ids(new EventQuery { Streams = ["yard?2"] }));
        Assert.Equal("02 03", Ids(new EventQuery { Since = s_start.AddSeconds(10), Until = s_start.AddSeconds(30) }));
        Assert.Equal("01 04", Ids(new EventQuery { MinScore = 0.8 }));
        Assert.Equal("03 04", Ids(new EventQuery { Limit = 2 }));
        Assert.Equal("", Ids(new EventQuery { Labels = ["Dog'; DROP TABLE events --"] }));
        Assert.Equal(["Cat", "Cow", "Dog"], reader.Labels());
    }

    [Fact]
    public void Events_MoreThanAreReadAtOnce_ComeOnceAndInOrder()
    {
        var mic = new StreamIdentity("yard", "mic", s_start);
        string[] labels = ["Dog", "Cat", "Cow"];
        Write([.. Enumerable.Range(0, 12_345).Select(i => Event($"{i + 1:x8}", mic, i / 7, (i / 7) + 1, label: labels[i % 3]))]);
        using var reader = StoreReader.Open(Store);

        var all = reader.Events(new EventQuery()).ToList();
        var two = reader.Events(new EventQuery { Labels = ["Dog", "Cow"] }).ToList();

        Assert.Equal(Enumerable.Range(1, 12_345).Select(i => $"{i:x8}"), all.Select(e => e.Event.Id)); // by time, and as they were written
        Assert.Equal(all.Where(e => e.Label != "Cat"), two, (a, b) => a.Event.Id == b.Event.Id);
    }

    [Fact]
    public void Days_OfAllAndOfAStream_AreCountedByTheCalendar()
    {
        var (yard, hall) = (new StreamIdentity("yard", "mic", s_start.AddDays(-1)), new StreamIdentity("hall", "mic", s_start));
        Write([Event("01", yard, 0, 2), Event("02", yard, 90_000, 90_004), Event("03", hall, 0, 1), Event("04", hall, 1, 2, label: "Cat")]);

        using var reader = StoreReader.Open(Store);
        string Days(string? stream) => string.Join(
            ' ', reader.Days(new DateOnly(2026, 11, 1), new DateOnly(2026, 11, 30), stream)
                .Select(d => FormattableString.Invariant($"{d.Day:dd}:{d.Label}:{d.Events}:{d.Seconds}")));

        Assert.Equal("26:Dog:1:2 27:Cat:1:1 27:Dog:2:5", Days(null));
        Assert.Equal("26:Dog:1:2 27:Dog:1:4", Days("yard"));
        Assert.Equal("", Days("nowhere"));
    }

    [Fact]
    public void Remove_WhatIsOld_LeavesTheRestAndTheDays()
    {
        var mic = new StreamIdentity("yard", "mic", s_start);
        Write([Event("01", mic, 0, 1), Event("02", mic, 100, 101), Coverage(mic, 0, 16), Coverage(mic, 32, 48, CoverageState.Gated)]);
        using (var writer = StoreWriter.Open(Store, _time))
            Assert.False(writer.Remove(s_start.AddTicks(1)));

        var dump = Dump();
        Assert.Equal(["events|2|02"], dump.Split('\n').Where(l => l.StartsWith("events|", StringComparison.Ordinal)).Select(l => l[..11]));
        Assert.Single(dump.Split('\n'), l => l.StartsWith("coverage|", StringComparison.Ordinal));
        Assert.Contains($"label_days|1|{s_day}|2|2", dump, StringComparison.Ordinal);
    }

    [Fact]
    public void Add_Reviews_TheLastOneHoldsAndKeepsItsEvent()
    {
        var mic = new StreamIdentity("yard", "mic", s_start);
        Write([Event("01", mic, 0, 1), Event("0203", mic, 1, 2), Event("0213", mic, 2, 3), Event("00ff", mic, 3, 4)]);
        var late = s_start.AddHours(3);
        StoreCare.Add(Store, new Review("01", ReviewVerdict.Wrong, null, "bea", s_start.AddHours(2)));
        StoreCare.Add(Store, new Review("01", ReviewVerdict.OtherLabel, "Fox", "ann", late));
        StoreCare.Add(Store, new Review("0213", ReviewVerdict.Right, null, "ann", late));

        var none = Assert.Throws<StoreException>(() => StoreCare.Add(Store, new Review("0f", ReviewVerdict.Right, null, "ann", late)));

        Assert.Contains("has no event 0f", none.Message, StringComparison.Ordinal);
        using (var reader = StoreReader.Open(Store))
        {
            string Ids(params ReviewVerdict?[] verdicts) =>
                string.Join(' ', reader.Events(new EventQuery { Verdicts = verdicts }).Select(e => e.Event.Id));
            Assert.Equal("01", Ids(ReviewVerdict.OtherLabel));
            Assert.Equal("", Ids(ReviewVerdict.Wrong)); // it was, and then it was another label
            Assert.Equal("01 0213", Ids(ReviewVerdict.Right, ReviewVerdict.OtherLabel));
            Assert.Equal("0203 00ff", Ids((ReviewVerdict?)null));
            var found = Assert.Single(reader.Events(new EventQuery { Id = "01" }));
            Assert.Equal(new Review("01", ReviewVerdict.OtherLabel, "Fox", "ann", late), found.Review);
            Assert.Equal(("Fox", "Dog"), (found.Label, found.Event.Label));
            Assert.Equal(["0203", "0213"], reader.Ids("02", 9));
            Assert.Equal(["0203"], reader.Ids("020", 9));
            Assert.Equal(["00ff"], reader.Ids("00", 9));
            Assert.Single(reader.Ids("", 1));
            Assert.Empty(reader.Ids("02030", 9));
        }

        using (var writer = StoreWriter.Open(Store, _time))
            writer.Remove(s_start.AddDays(1));
        using var after = StoreReader.Open(Store);
        Assert.Equal(["01", "0213"], after.Events(new EventQuery()).Select(e => e.Event.Id));
    }

    [Fact]
    public void Open_EarlierVersion_IsBroughtToThisOneByWriting()
    {
        Run(Store, StoreSchema.After(0).First() + FormattableString.Invariant(
            $"PRAGMA application_id = {StoreSchema.ApplicationId}; PRAGMA user_version = 1; INSERT INTO labels VALUES (7, 'Dog')"));
        var e = Assert.Throws<StoreException>(() => StoreReader.Open(Store).Dispose());
        Assert.Contains("is a store of version 1; this program reads 2", e.Message, StringComparison.Ordinal);

        Write([Event("01", new StreamIdentity("yard", "mic", s_start), 0, 1)]);

        using var reader = StoreReader.Open(Store);
        Assert.Equal("Dog", Assert.Single(reader.Events(new EventQuery())).Event.Label);
        Assert.Contains("labels|7|Dog", Dump(), StringComparison.Ordinal);
        Assert.Equal(StoreSchema.Version, StoreCare.Check(Store).Version);
    }

    [Fact]
    public void Open_ForeignAndLaterFiles_AreRefusedAndLeftAlone()
    {
        var other = Path.Combine(_folder, "other.db");
        Run(other, "CREATE TABLE t (x); PRAGMA user_version = 1");
        var later = Path.Combine(_folder, "later.db");
        Write([], later);
        Run(later, "PRAGMA user_version = 99");
        var text = Path.Combine(_folder, "text.db");
        File.WriteAllText(text, new string('x', 5000));
        foreach (var (path, message) in ((string, string)[])[
            (other, "is another program's SQLite file; expected a store"),
            (later, "is a store of version 99, which a later program made; this one knows up to 2"),
            (text, "is no store; expected one that a sink of 'type: store' made")])
        {
            var before = File.ReadAllBytes(path);
            foreach (var open in (Func<IDisposable>[])[() => StoreWriter.Open(path, _time), () => StoreReader.Open(path)])
                Assert.Contains(message, Assert.Throws<StoreException>(() => open().Dispose()).Message, StringComparison.Ordinal);
            Assert.Equal(before, File.ReadAllBytes(path));
        }

        var nothing = Assert.Throws<StoreException>(() => StoreReader.Open(Path.Combine(_folder, "none.db")).Dispose());
        Assert.Contains("there is no such store; a sink of 'type: store' makes one", nothing.Message, StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(_folder, "file"), "");
        Assert.Throws<StoreException>(() => StoreWriter.Open(Path.Combine(_folder, "file", "events.db"), _time).Dispose());
    }

    [Fact]
    public void Commit_NoRoomLeft_KeepsTheRecordsAndWritesThemLater()
    {
        var mic = new StreamIdentity("yard", "mic", s_start);
        using var writer = StoreWriter.Open(Store, _time);
        writer.MaxPages = 30;
        for (var i = 0; i < 3000; i++)
            writer.Add(Event($"{i:x8}", mic, i, i + 1, label: $"label {i}"));

        var e = Assert.Throws<StoreException>(writer.Commit);

        Assert.True(e.IsTransient);
        Assert.Contains("no space left on the disk", e.Message, StringComparison.Ordinal);
        writer.MaxPages = 1_000_000;
        writer.Commit();
        using var reader = StoreReader.Open(Store);
        Assert.Equal(3000, reader.Events(new EventQuery()).Select(s => s.Event.Label).Distinct().Count());
    }

    [Fact]
    public void Commit_StoreThatWasMovedAway_GoesOnInANewOne()
    {
        var mic = new StreamIdentity("yard", "mic", s_start);
        using var writer = StoreWriter.Open(Store, _time);
        writer.Add(Event("01", mic, 0, 1));
        writer.Commit();
        var moved = Path.Combine(_folder, "moved.db");
        File.Move(Store, moved);
        writer.Add(Event("02", mic, 1, 2));

        writer.Commit();

        Assert.Contains("was moved away or removed; a new store is begun", writer.Replaced, StringComparison.Ordinal);
        File.Move(Assert.Single(Directory.GetFiles(_folder, "events.db-wal.2*")), moved + "-wal");
        foreach (var (path, id) in ((string, string)[])[(moved, "01"), (Store, "02")])
        {
            Assert.Empty(StoreCare.Check(path).Problems);
            using var reader = StoreReader.Open(path);
            Assert.Equal(id, Assert.Single(reader.Events(new EventQuery())).Event.Id);
        }
    }

    [Fact]
    public void Open_NamesThatSqliteTakesForAddresses_AreFiles()
    {
        var before = Directory.GetCurrentDirectory();
        Directory.SetCurrentDirectory(_folder);
        try
        {
            foreach (var name in (string[])[":memory:", "file:x.db?mode=memory", "a;Mode=Memory", "file:y.db#"])
            {
                Write([Event("01", new StreamIdentity("yard", "mic", s_start), 0, 1)], name);
                StoreCare.Backup(name, $"copy of {name}");
                Assert.Equal(1, StoreCare.Check(name).Events + StoreCare.Check($"copy of {name}").Events - 1);
                Assert.True(File.Exists(name));
            }
        }
        finally
        {
            Directory.SetCurrentDirectory(before);
        }
    }

    [Theory]
    [InlineData("UPDATE events SET label = 999 WHERE number = 2", "1 events have a label that is not in labels", null)]
    [InlineData("DROP TABLE reviews", "the table reviews is missing", "no such table: reviews")]
    [InlineData("DROP INDEX events_by_time", "the index events_by_time is missing", null)]
    [InlineData("UPDATE events SET score = 9e999 WHERE number = 2", null, "holds a value that no run writes")]
    [InlineData("UPDATE events SET time = 9223372036854775807 WHERE number = 2", null, "holds a value that no run writes")]
    [InlineData("UPDATE events SET id = 'text' WHERE number = 2", null, "holds a value that no run writes")]
    [InlineData("INSERT INTO reviews VALUES (1, 2, 'Bogus', NULL, 'x', 0)", null, "holds a value that no run writes")]
    public void CheckAndRead_WhatNoRunWrites_IsSaid(string sql, string? problem, string? reading)
    {
        var mic = new StreamIdentity("yard", "mic", s_start);
        Write([.. Enumerable.Range(1, 3).Select(i => Event($"{i:x8}", mic, i, i + 1))]);
        Run(Store, sql);

        if (problem is not null)
            Assert.Equal(problem, StoreCare.Check(Store).Problems[0]);
        using var reader = StoreReader.Open(Store);
        if (reading is null)
            Assert.Equal(3, reader.Events(new EventQuery()).Count());
        else
            Assert.Contains(reading, Assert.Throws<StoreException>(
                () => reader.Events(new EventQuery()).ToList()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Care_CheckBackupAndVacuum_DoWhatTheySay()
    {
        var mic = new StreamIdentity("yard", "mic", s_start);
        Write([.. Enumerable.Range(0, 5000).Select(i => Event($"{i:x8}", mic, i, i + 1))]);
        var copy = Path.Combine(_folder, "copy.db");
        StoreCare.Backup(Store, copy);
        Assert.Equal(5000, StoreCare.Check(copy).Events);
        var there = Assert.Throws<StoreException>(() => StoreCare.Backup(Store, copy));
        Assert.Contains("is there already", there.Message, StringComparison.Ordinal);
        using (var writer = StoreWriter.Open(Store, _time))
        {
            while (writer.Remove(s_start.AddDays(1)))
            {
            }
        }

        var before = StoreCare.Check(Store);
        StoreCare.Vacuum(Store);
        var after = StoreCare.Check(Store);

        Assert.True(before.FreeBytes > 200_000 && after.FreeBytes == 0 && after.Bytes < before.Bytes / 2);
        Assert.Equal((0, null), (after.Events, after.Times));
        using (var file = new FileStream(copy, FileMode.Open))
        {
            file.Position = file.Length / 2;
            file.Write(Encoding.ASCII.GetBytes(new string('x', 40_000)));
        }

        var damage = Record.Exception(() => Assert.NotEmpty(StoreCare.Check(copy).Problems));
        Assert.True(damage is null || damage is StoreException { IsTransient: false });
    }

    private static string Json(SoundEvent e)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
            RecordJson.Write(json, e);
        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    private static SoundEvent Event(
        string id, StreamIdentity stream, double onset, double offset, EventState state = EventState.Closed, string label = "Dog",
        float score = 0.75f) =>
        new(id, state, stream, "model", label, onset, offset, score, 0.5f) { HeardBy = new ModelIdentity("abc", "float32", "cpu") };

    private static CoverageInterval Coverage(
        StreamIdentity stream, long start, long end, CoverageState state = CoverageState.Analysed, LossReason reason = LossReason.None) =>
        new(stream, "model", state, reason, start, end, 0);

    private static void Run(string path, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private void Write(IReadOnlyList<StreamRecord> records, string? path = null)
    {
        using var writer = StoreWriter.Open(path ?? Store, _time);
        foreach (var record in records)
            writer.Add(record);
        writer.Commit();
    }

    /// <summary>All rows of all tables.</summary>
    private string Dump()
    {
        using var connection = new SqliteConnection($"Data Source={Store};Pooling=False");
        connection.Open();
        var lines = new List<string>();
        foreach (var table in (string[])["labels", "models", "streams", "events", "label_days", "stream_days", "recordings", "coverage"])
        {
            using var command = connection.CreateCommand();
            command.CommandText = $"SELECT * FROM {table}";
            using var rows = command.ExecuteReader();
            while (rows.Read())
                lines.Add(string.Join('|', [table, .. Enumerable.Range(0, rows.FieldCount).Select(i => rows.GetValue(i) switch
                {
                    byte[] bytes => EventId.Text(bytes),
                    var value => FormattableString.Invariant($"{value}"),
                })]));
        }

        return string.Join('\n', lines.Order(StringComparer.Ordinal));
    }
}
