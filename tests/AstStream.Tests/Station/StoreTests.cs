using AstStream.Events;
using AstStream.Station.Store;

namespace AstStream.Tests.Station;

/// <summary>What is written to a store, and read from it.</summary>
public sealed class StoreTests : StoreTrial
{
    private static readonly int s_day = new DateOnly(2026, 11, 27).DayNumber; // in the east it is the next day

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
    public void Commit_CoverageWithOtherBounds_FillsWhatIsNotKnownYet()
    {
        var mic = new StreamIdentity("yard", "mic", s_start);
        Write([Coverage(mic, 0, 100), Coverage(mic, 100, 200, CoverageState.Gated), Coverage(mic, 300, 400)]);
        Write([Coverage(mic, 0, 80), Coverage(mic, 80, 180, CoverageState.Gated), Coverage(mic, 180, 450)]);
        Write([Coverage(mic, 0, 500, CoverageState.Gated)]);

        var rows = Dump().Split('\n').Where(l => l.StartsWith("coverage|", StringComparison.Ordinal)).ToList();
        Assert.Equal(
            ["0|100|Analysed", "100|200|Gated", "200|300|Analysed", "300|400|Analysed", "400|450|Analysed", "450|500|Gated"],
            rows.Select(r => string.Join('|', r.Split('|')[3..6])));
    }

    [Fact]
    public void Coverage_OfWhatBeganBefore_IsThatOfTheTimeAsked()
    {
        const long hour = 3600L * 16_000;
        Write([Coverage(new StreamIdentity("yard", "mic", s_start), 0, 50 * hour)]);
        using var reader = StoreReader.Open(Store);

        var day = Assert.Single(reader.Coverage("yard", s_start.AddHours(24), s_start.AddHours(48), 10));
        var rest = Assert.Single(reader.Coverage("yard", s_start.AddHours(48), s_start.AddHours(72), 10));

        Assert.Equal((s_start.AddHours(24), 24 * 3600.0), (day.Time, day.Seconds));
        Assert.Equal((s_start.AddHours(48), 2 * 3600.0), (rest.Time, rest.Seconds));
        Assert.Empty(reader.Coverage("yard", s_start.AddHours(50), s_start.AddHours(60), 10));
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
            Assert.False(writer.Remove(s_start.AddMilliseconds(1), s_start)); // when the first interval ends

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
            writer.Remove(s_start.AddDays(1), s_start);
        using var after = StoreReader.Open(Store);
        Assert.Equal(["01", "0213"], after.Events(new EventQuery()).Select(e => e.Event.Id));
    }
}
