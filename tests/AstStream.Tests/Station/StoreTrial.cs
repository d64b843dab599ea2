using System.Text;
using System.Text.Json;
using AstStream.Events;
using AstStream.Events.Json;
using AstStream.Station.Store;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Time.Testing;

namespace AstStream.Tests.Station;

/// <summary>A store in a folder of its own, an hour after its recordings began, two hours east of Greenwich.</summary>
public abstract class StoreTrial : IDisposable
{
    private protected static readonly DateTimeOffset s_start = new(2026, 11, 26, 22, 30, 0, TimeSpan.Zero);

    private protected readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;
    private protected readonly FakeTimeProvider _time = new(s_start + TimeSpan.FromHours(1));

    private protected StoreTrial() =>
        _time.SetLocalTimeZone(TimeZoneInfo.CreateCustomTimeZone("east", TimeSpan.FromHours(2), "east", "east"));

    private protected string Store => Path.Combine(_folder, "events.db");

    public void Dispose()
    {
        Directory.Delete(_folder, recursive: true);
        GC.SuppressFinalize(this);
    }

    private protected static string Json(SoundEvent e)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
            RecordJson.Write(json, e);
        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    private protected static SoundEvent Event(
        string id, StreamIdentity stream, double onset, double offset, EventState state = EventState.Closed, string label = "Dog",
        float score = 0.75f) =>
        new(id, state, stream, "model", label, onset, offset, score, 0.5f) { HeardBy = new ModelIdentity("abc", "float32", "cpu") };

    private protected static CoverageInterval Coverage(
        StreamIdentity stream, long start, long end, CoverageState state = CoverageState.Analysed, LossReason reason = LossReason.None) =>
        new(stream, "model", state, reason, start, end, 0);

    private protected static void Run(string path, string sql)
    {
        using var connection = new SqliteConnection($"Data Source={path};Pooling=False");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private protected void Write(IReadOnlyList<StreamRecord> records, string? path = null)
    {
        using var writer = StoreWriter.Open(path ?? Store, _time);
        foreach (var record in records)
            writer.Add(record);
        writer.Commit();
    }

    /// <summary>All rows of all tables.</summary>
    private protected string Dump()
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
