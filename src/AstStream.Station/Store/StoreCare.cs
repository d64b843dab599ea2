using AstStream.Events;
using Microsoft.Data.Sqlite;

namespace AstStream.Station.Store;

/// <summary>What people do with a store now and then: a review, a check, less room, a copy.</summary>
public static class StoreCare
{
    /// <summary>What a store holds, and what is wrong with it.</summary>
    /// <exception cref="StoreException">There is none, or it can't be read.</exception>
    public static StoreCheck Check(string path)
    {
        using var file = StoreFile.OpenToRead(path);
        return file.Guarded("checking", () =>
        {
            var problems = new List<string>();
            using (var command = file.Command("PRAGMA integrity_check(20)"))
            using (var rows = command.ExecuteReader())
            {
                while (rows.Read())
                    problems.Add(rows.GetString(0));
            }

            var times = file.Ask("SELECT count(*) FROM events") > 0
                ? (StoreTime.From(file.Ask("SELECT min(time) FROM events")), StoreTime.From(file.Ask("SELECT max(time) FROM events")))
                : ((DateTimeOffset First, DateTimeOffset Last)?)null;
            return new StoreCheck(
                problems is ["ok"] ? [] : problems, StoreSchema.Version, file.Ask("SELECT count(*) FROM events"), times,
                file.Ask("SELECT count(*) FROM streams"), file.Ask("SELECT count(*) FROM labels"),
                file.Ask("SELECT count(*) FROM coverage"),
                new FileInfo(path).Length, file.Ask("PRAGMA freelist_count") * file.Ask("PRAGMA page_size"));
        });
    }

    /// <summary>Adds a review of an event.</summary>
    /// <exception cref="StoreException">There is no such event or store, or it can't be written to.</exception>
    public static void Add(string path, Review review)
    {
        using (StoreFile.OpenToRead(path))
        {
        }

        using var writer = StoreWriter.Open(path, TimeProvider.System);
        writer.Add(review);
    }

    /// <summary>Gives the room of what was removed back to the disk. Nothing may write to the store meanwhile.</summary>
    /// <exception cref="StoreException">It failed, or another process has it open for too long.</exception>
    public static void Vacuum(string path)
    {
        using (StoreFile.OpenToRead(path))
        {
        }

        using var file = StoreFile.OpenToWrite(path);
        file.Guarded("vacuuming", () =>
        {
            file.Run("VACUUM");
            return file.Ask("PRAGMA wal_checkpoint(TRUNCATE)");
        });
    }

    /// <summary>Copies a store as it is at one moment, also while a run writes to it.</summary>
    /// <param name="path">The store.</param>
    /// <param name="to">The copy; there must be no such file yet.</param>
    /// <exception cref="StoreException">It failed; nothing is left there then.</exception>
    public static void Backup(string path, string to)
    {
        using var file = StoreFile.OpenToRead(path);
        if (File.Exists(to))
            throw new StoreException($"{to}: is there already; expected another name");
        var aside = $"{to}.{System.IO.Path.GetRandomFileName()}.part";
        try
        {
            file.Guarded("copying", () =>
            {
                using var copy = new SqliteConnection(
                    new SqliteConnectionStringBuilder { DataSource = aside, Pooling = false }.ToString());
                copy.Open();
                file.Connection.BackupDatabase(copy);
                return 0;
            });
            File.Move(aside, to);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreException($"{to}: can't be written: {e.Message}");
        }
        finally
        {
            File.Delete(aside);
        }
    }
}
