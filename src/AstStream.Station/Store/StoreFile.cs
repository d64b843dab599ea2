using System.Globalization;
using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;

namespace AstStream.Station.Store;

/// <summary>
/// A store's SQLite file, open: to write, by one process at a time, or to read, by any number beside it. What was committed is on the disk.
/// For one thread at a time.
/// </summary>
internal sealed partial class StoreFile : IDisposable
{
    /// <summary>What it is called in a station's folder.</summary>
    public const string Name = "events.db";

    private const int BusySeconds = 5; // that another process is waited for

    private readonly Dictionary<string, SqliteCommand> _prepared = new(StringComparer.Ordinal);

    private StoreFile(string path, SqliteConnection connection) => (Path, Connection) = (path, connection);

    public string Path { get; }

    public SqliteConnection Connection { get; }

    /// <summary>
    /// Opens a store to write to it: makes it where there is none, brings it to this version where it is of an earlier one.
    /// </summary>
    /// <exception cref="StoreException">It can't be used.</exception>
    public static StoreFile OpenToWrite(string path) => Open(path, SqliteOpenMode.ReadWriteCreate, file =>
    {
        if (file.CheckVersion(isEmptyAllowed: true) == 0)
            file.Run("PRAGMA auto_vacuum = INCREMENTAL");
        file.Run("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -32000; BEGIN IMMEDIATE");
        foreach (var step in StoreSchema.After(file.CheckVersion(isEmptyAllowed: true)))
            file.Run(step);
        file.Run(FormattableString.Invariant(
            $"PRAGMA application_id = {StoreSchema.ApplicationId}; PRAGMA user_version = {StoreSchema.Version}; COMMIT"));
    });

    /// <summary>Opens a store to read from it.</summary>
    /// <param name="path">The store.</param>
    /// <param name="isEarlierAllowed">Whether one of an earlier version will do.</param>
    /// <exception cref="StoreException">There is none, or it can't be used.</exception>
    public static StoreFile OpenToRead(string path, bool isEarlierAllowed = false)
    {
        if (!File.Exists(path))
            throw new StoreException($"{path}: there is no such store; a sink of 'type: store' makes one");
        return Open(path, SqliteOpenMode.ReadWrite, file =>
        {
            file.Run("PRAGMA query_only = ON");
            var version = file.CheckVersion(isEmptyAllowed: false);
            if (version < StoreSchema.Version && !isEarlierAllowed)
                throw new StoreException($"{path}: is a store of version {version}; this program reads {StoreSchema.Version}, which a run "
                    + "that writes to it makes of it");
        });
    }

    /// <summary>A statement of the program's own, which is kept prepared, with its parameters' values: $0, $1 and so on.</summary>
    public SqliteCommand Prepared(string sql, params ReadOnlySpan<object?> values)
    {
        if (!_prepared.TryGetValue(sql, out var command))
            _prepared[sql] = command = Command(sql, values);
        for (var i = 0; i < values.Length; i++)
            command.Parameters[i].Value = values[i] ?? DBNull.Value;
        return command;
    }

    /// <summary>A statement with its parameters' values, $0, $1 and so on; for the caller to dispose.</summary>
    public SqliteCommand Command(string sql, params ReadOnlySpan<object?> values)
    {
        var command = Connection.CreateCommand();
        command.CommandText = sql;
        for (var i = 0; i < values.Length; i++)
            command.Parameters.Add(new SqliteParameter($"${i.ToString(CultureInfo.InvariantCulture)}", values[i] ?? DBNull.Value));
        return command;
    }

    /// <summary>Runs statements that give nothing.</summary>
    public void Run(string sql)
    {
        using var command = Command(sql);
        command.ExecuteNonQuery();
    }

    /// <summary>The number that a statement gives.</summary>
    public long Ask(string sql)
    {
        using var command = Command(sql);
        return Convert.ToInt64(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }

    /// <summary>Does something with it; what SQLite says becomes a <see cref="StoreException"/>.</summary>
    /// <exception cref="StoreException">It failed.</exception>
    public T Guarded<T>(string what, Func<T> work)
    {
        try
        {
            return work();
        }
        catch (SqliteException e)
        {
            throw Problem(Path, what, e);
        }
        catch (Exception e) when (e is InvalidCastException or FormatException or OverflowException or ArgumentException)
        {
            throw new StoreException($"{Path}: {what} failed: it holds a value that no run writes ({e.Message.ReplaceLineEndings(" ")}); "
                + "expected what a sink of 'type: store' wrote");
        }
    }

    public void Dispose()
    {
        foreach (var command in _prepared.Values)
            command.Dispose();
        Connection.Dispose();
    }

    private static StoreFile Open(string path, SqliteOpenMode mode, Action<StoreFile> prepare)
    {
        // A full path: SQLite takes others for addresses, too.
        var full = System.IO.Path.GetFullPath(path);
        var isFixed = false;
        if (mode == SqliteOpenMode.ReadWrite && !MayWrite(full))
        {
            // Who may not write to it can't remove SQLite's log either. Without a log no run has it open, and none is needed.
            mode = SqliteOpenMode.ReadOnly;
            isFixed = !File.Exists(full + "-wal");
        }

        var connection = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = isFixed ? $"file:{Uri.EscapeDataString(full)}?immutable=1" : full,
            Mode = mode,
            Pooling = false,
            DefaultTimeout = BusySeconds,
        }.ToString());
        var file = new StoreFile(path, connection);
        try
        {
            if (mode == SqliteOpenMode.ReadWriteCreate)
                Directory.CreateDirectory(System.IO.Path.GetDirectoryName(full)!);
            connection.Open();
            prepare(file);
            return file;
        }
        catch (SqliteException e)
        {
            file.Dispose();
            throw Problem(path, "opening", e);
        }
        catch (Exception e)
        {
            file.Dispose();
            if (e is IOException or UnauthorizedAccessException)
                throw new StoreException($"{path}: can't be opened: {e.Message}");
            throw;
        }
    }

    private static StoreException Problem(string path, string what, SqliteException e) => e.SqliteErrorCode switch
    {
        5 or 6 => new StoreException($"{path}: {what} failed: another process has written to it for {BusySeconds} s", isTransient: true),
        8 => new StoreException($"{path}: {what} failed: it, its folder, or {path}-wal and -shm beside it, may not be written to"),
        10 or 13 => new StoreException(
            $"{path}: {what} failed: {(e.SqliteErrorCode == 13 ? "no space left on the disk" : e.Message)}", isTransient: true),
        11 => new StoreException($"{path}: {what} failed: it is damaged; aststream store check says how. Take a backup, or move it away"),
        14 => new StoreException($"{path}: {what} failed: no such file, or it may not be read"),
        26 => new StoreException($"{path}: is no store; expected one that a sink of 'type: store' made"),
        _ => new StoreException($"{path}: {what} failed: {e.Message}"),
    };

    /// <summary>Whether this process may write to a file and its folder.</summary>
    private static bool MayWrite(string path)
    {
        const int writing = 2;
        return Access(path, writing) == 0 && Access(System.IO.Path.GetDirectoryName(path)!, writing) == 0;
    }

    [LibraryImport("libc", EntryPoint = "access", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Access(string path, int mode);

    /// <summary>The version of a store; 0 for a file that has nothing in it.</summary>
    private int CheckVersion(bool isEmptyAllowed)
    {
        var (application, version) = (Ask("PRAGMA application_id"), (int)Ask("PRAGMA user_version"));
        var isEmpty = application == 0 && version == 0 && Ask("SELECT count(*) FROM sqlite_master") == 0;
        if (isEmpty)
            return isEmptyAllowed ? 0 : throw new StoreException($"{Path}: holds nothing yet; a run that writes to it makes a store of it");
        if (application != StoreSchema.ApplicationId)
            throw new StoreException($"{Path}: is another program's SQLite file; expected a store");
        return version <= StoreSchema.Version ? version : throw new StoreException(
            $"{Path}: is a store of version {version}, which a later program made; this one knows up to {StoreSchema.Version}. Expected "
                + "that program, or another file");
    }
}
