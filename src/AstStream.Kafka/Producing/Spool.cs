using System.Globalization;
using AstStream.Kafka.Blocks;
using AstStream.Streaming.Sinks;
using Microsoft.Data.Sqlite;

namespace AstStream.Kafka.Producing;

/// <summary>
/// Records on disk that brokers do not have yet, in order. A SQLite file: what was added is there again after a crash or a loss of power,
/// up to the last second. For one thread.
/// </summary>
internal sealed class Spool : IDisposable
{
    private const long KeptFree = 16_000_000; // bytes: SQLite's log grows to a few megabytes

    private readonly SqliteConnection _connection;
    private readonly string _path;

    private Spool(SqliteConnection connection, string path) => (_connection, _path) = (connection, path);

    /// <summary>What it holds, in bytes of records.</summary>
    public long Size { get; private set; }

    /// <summary>The number of the last record; 0 where there is none.</summary>
    public long Last { get; private set; }

    /// <summary>
    /// What the disk has room for besides, in bytes of records. Some is kept free: what goes needs room, too, until it is gone.
    /// </summary>
    public long Room =>
        new DriveInfo(Path.GetFullPath(_path)).AvailableFreeSpace - KeptFree + (Ask("PRAGMA freelist_count") * Ask("PRAGMA page_size"));

    /// <summary>Opens a file, or makes it.</summary>
    /// <exception cref="SinkException">It can't be used.</exception>
    public static Spool Open(string path)
    {
        var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder { DataSource = path, Pooling = false, DefaultTimeout = 2 }.ToString());
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            connection.Open();
            var spool = new Spool(connection, path);
            spool.Run("PRAGMA locking_mode = EXCLUSIVE; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA synchronous "
                + "= NORMAL");
            spool.Run("CREATE TABLE IF NOT EXISTS spool (number INTEGER PRIMARY KEY, size INTEGER NOT NULL, stream TEXT NOT NULL, "
                + "encoding TEXT, sample_rate INTEGER, first_sample INTEGER, capture_time INTEGER, session TEXT, value BLOB)");
            (spool.Size, spool.Last) = (
                spool.Ask("SELECT coalesce(sum(size), 0) FROM spool"), spool.Ask("SELECT coalesce(max(number), 0) FROM spool"));
            return spool;
        }
        catch (Exception e) when (e is SqliteException or IOException or UnauthorizedAccessException)
        {
            connection.Dispose();
            var why = e is SqliteException { SqliteErrorCode: 5 or 6 } ? "another process has it open; give each its own"
                : e is SqliteException { SqliteErrorCode: 11 or 26 } ? "it is damaged, or no spool: move it away" : e.Message;
            throw new SinkException($"spool {path}: can't be opened: {why}");
        }
    }

    /// <summary>Adds records, all or none. Their numbers grow.</summary>
    /// <exception cref="SinkException">The disk does not take them.</exception>
    public void Add(IReadOnlyCollection<AudioMessage> messages) => Try("adding", () =>
    {
        using var transaction = _connection.BeginTransaction();
        using var insert = _connection.CreateCommand();
        insert.CommandText = "INSERT OR REPLACE INTO spool VALUES ($number, $size, $stream, $encoding, $rate, $first, $time, $session, "
            + "$value)";
        string[] names = ["$number", "$size", "$stream", "$encoding", "$rate", "$first", "$time", "$session", "$value"];
        foreach (var name in names)
            insert.Parameters.Add(new SqliteParameter { ParameterName = name });
        foreach (var m in messages)
        {
            object?[] values = [m.Number, m.Size, m.Stream, m.Format?.Word, m.Format?.Format.SampleRate, m.Format?.FirstSample,
                m.Format?.CaptureTime?.UtcTicks, m.Format?.Session, m.Value];
            for (var i = 0; i < values.Length; i++)
                insert.Parameters[i].Value = values[i] ?? DBNull.Value;
            insert.ExecuteNonQuery();
        }

        transaction.Commit();
        Size += messages.Sum(m => (long)m.Size);
        Last = Math.Max(Last, messages.Max(m => m.Number));
    });

    /// <summary>The records after a number, in order, up to some bytes; at least one where there is one.</summary>
    /// <exception cref="SinkException">The disk does not give them.</exception>
    public IReadOnlyList<AudioMessage> Read(long after, long bytes)
    {
        var found = new List<AudioMessage>();
        Try("reading", () =>
        {
            using var select = _connection.CreateCommand();
            select.CommandText = "SELECT number, stream, value, encoding, sample_rate, first_sample, capture_time, session FROM spool "
                + "WHERE number > $after ORDER BY number";
            select.Parameters.AddWithValue("$after", after);
            using var reader = select.ExecuteReader();
            while (bytes > 0 && reader.Read())
            {
                var format = reader.IsDBNull(3) || !BlockFormat.Encodings.TryGetValue(reader.GetString(3), out var encoding)
                    ? (BlockFormat?)null : new BlockFormat(
                    encoding.Encoding,
                    new Dsp.PcmFormat(encoding.Samples, reader.GetInt32(4), 1),
                    reader.GetInt64(5),
                    reader.IsDBNull(6) ? null : new DateTimeOffset(reader.GetInt64(6), TimeSpan.Zero),
                    reader.GetString(7));
                found.Add(new AudioMessage(
                    reader.GetInt64(0), reader.GetString(1), reader.IsDBNull(2) ? null : (byte[])reader.GetValue(2), format));
                bytes -= found[^1].Size;
            }
        });
        return found;
    }

    /// <summary>Removes the records up to a number.</summary>
    /// <exception cref="SinkException">The disk does not.</exception>
    public void RemoveTo(long number) => Try("removing", () =>
    {
        var which = $"number <= {number.ToString(CultureInfo.InvariantCulture)}";
        var size = Ask($"SELECT coalesce(sum(size), 0) FROM spool WHERE {which}");
        Run($"DELETE FROM spool WHERE {which}");
        Size -= size;
        if (Size == 0)
            Run("PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)");
    });

    /// <summary>Removes the oldest records until it holds no more than so many bytes; the numbers of these.</summary>
    /// <exception cref="SinkException">The disk does not.</exception>
    public IReadOnlyList<long> Trim(long most)
    {
        var (surplus, numbers) = (Size - most, new List<long>());
        if (surplus <= 0)
            return [];
        Try("reading", () =>
        {
            using var select = _connection.CreateCommand();
            select.CommandText = "SELECT number, size FROM spool ORDER BY number";
            using var reader = select.ExecuteReader();
            while (surplus > 0 && reader.Read())
            {
                numbers.Add(reader.GetInt64(0));
                surplus -= reader.GetInt64(1);
            }
        });
        if (numbers.Count > 0)
            RemoveTo(numbers[^1]);
        return numbers;
    }

    public void Dispose() => _connection.Dispose();

    private long Ask(string sql)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        return (long)command.ExecuteScalar()!;
    }

    private void Run(string sql)
    {
        using var command = _connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private void Try(string what, Action action)
    {
        try
        {
            action();
        }
        catch (SqliteException e)
        {
            throw new SinkException(
                $"spool {_path}: {what} failed: {(e.SqliteErrorCode == 13 ? "no space left on the disk" : e.Message)}", isTransient: true);
        }
    }
}
