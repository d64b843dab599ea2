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
            problems.Remove("ok");
            problems.AddRange(Missing(file));
            if (problems.Count > 0)
                return new StoreCheck(problems, StoreSchema.Version, 0, null, 0, 0, 0, 0, 0);
            foreach (var (table, column) in ((string, string)[])[("labels", "label"), ("streams", "stream"), ("models", "model")])
            {
                if (file.Ask($"SELECT count(*) FROM events WHERE {column} NOT IN (SELECT id FROM {table})") is > 0 and var orphans)
                    problems.Add($"{orphans} events have a {column} that is not in {table}");
            }

            var page = file.Ask("PRAGMA page_size");
            return new StoreCheck(
                problems, StoreSchema.Version, file.Ask("SELECT count(*) FROM events"), times,
                file.Ask("SELECT count(*) FROM streams"), file.Ask("SELECT count(*) FROM labels"),
                file.Ask("SELECT count(*) FROM coverage"),
                file.Ask("PRAGMA page_count") * page, file.Ask("PRAGMA freelist_count") * page);
        });
    }

    /// <summary>What a store of this version has and this one lacks, in words.</summary>
    private static List<string> Missing(StoreFile file)
    {
        using var memory = new SqliteConnection("Data Source=:memory:");
        memory.Open();
        const string all = "SELECT type || ' ' || name FROM sqlite_master WHERE sql IS NOT NULL";
        return [.. Names(memory, string.Concat(StoreSchema.After(0)) + all).Except(Names(file.Connection, all))
            .Select(n => $"the {n} is missing")];
    }

    private static List<string> Names(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        using var rows = command.ExecuteReader();
        var names = new List<string>();
        while (rows.Read())
            names.Add(rows.GetString(0));
        return names;
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

    /// <summary>Gives events embeddings of a model, in place of those that they have; a run may write to the store meanwhile.</summary>
    /// <param name="path">The store.</param>
    /// <param name="name">The model's name.</param>
    /// <param name="model">The model.</param>
    /// <param name="embeddings">Events' ids, and what each is to the model; events that are gone are passed over.</param>
    /// <exception cref="StoreException">It can't be written to; none was added then.</exception>
    public static void Embed(
        string path, string name, ModelIdentity model, IReadOnlyList<(string Event, ReadOnlyMemory<Half> Vector)> embeddings)
    {
        using var writer = StoreWriter.Open(path, TimeProvider.System);
        writer.Add(name, model, embeddings);
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
            return file.Ask("PRAGMA wal_checkpoint(TRUNCATE)") == 0 ? 0 : throw new StoreException(
                $"{path}: vacuuming is not over: another process reads it. Expected that to end first", isTransient: true);
        });
    }

    /// <summary>Copies a store as it is at one moment, also while a run writes to it.</summary>
    /// <param name="path">The store.</param>
    /// <param name="to">The copy; there must be no such file yet.</param>
    /// <exception cref="StoreException">It failed; nothing is left there then.</exception>
    public static void Backup(string path, string to)
    {
        using var file = StoreFile.OpenToRead(path, isEarlierAllowed: true);
        if (to.Length == 0 || File.Exists(to) || Directory.Exists(to))
            throw new StoreException($"{(to.Length == 0 ? "the copy's name is empty" : $"{to}: is there already")}; expected another name");
        var folder = Path.GetDirectoryName(Path.GetFullPath(to))!;
        if (!Directory.Exists(folder))
            throw new StoreException($"{to}: can't be written: there is no folder {folder}");
        var aside = $"{Path.GetFullPath(to)}.{Path.GetRandomFileName()}.part";
        try
        {
            file.Guarded($"copying to {to}", () =>
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
