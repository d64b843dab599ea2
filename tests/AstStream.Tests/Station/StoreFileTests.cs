using System.Text;
using AstStream.Events;
using AstStream.Station.Store;

namespace AstStream.Tests.Station;

/// <summary>A store as a file: what it is opened from, what may happen to it, and its care.</summary>
public sealed class StoreFileTests : StoreTrial
{
    [Fact]
    public void Open_EarlierVersion_IsBroughtToThisOneByWriting()
    {
        Run(Store, StoreSchema.After(0).First() + FormattableString.Invariant(
            $"PRAGMA application_id = {StoreSchema.ApplicationId}; PRAGMA user_version = 1; INSERT INTO labels VALUES (7, 'Dog')"));
        var e = Assert.Throws<StoreException>(() => StoreReader.Open(Store).Dispose());
        Assert.Contains("is a store of version 1; this program reads 8", e.Message, StringComparison.Ordinal);

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
            (later, "is a store of version 99, which a later program made; this one knows up to 8"),
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

        var e = Assert.Throws<StoreException>(() => writer.Commit());

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
            while (writer.Remove(s_start.AddDays(1), s_start))
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
}
