using System.Buffers;
using System.Text.Json;
using System.Text.Json.Nodes;
using AstStream.Events;
using AstStream.Events.Json;
using Json.Schema;

namespace AstStream.Tests.Events;

/// <summary>What is written is what the committed schemas say.</summary>
public class RecordSchemaTests
{
    private static readonly StreamIdentity s_file = new("a \u202e file", "files");
    private static readonly StreamIdentity s_partition = new("yard", "in", new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero))
    {
        Partition = new InputPartition("audio", 3),
    };

    private static readonly ModelIdentity s_model = new("abc", "float32", "cpu");

    /// <summary>A record of every kind, with as much and as little in it as there can be.</summary>
    public static TheoryData<string, StreamRecord> Records => new()
    {
        { "event", new SoundEvent("1", EventState.Opened, s_file, "model", "dog", 0, 1.5, 0.5f, 0.25f) },
        {
            "event",
            new SoundEvent("2", EventState.Closed, s_partition, "model", "rain \"on\" tin", 3, 400.25, 1, 1)
            {
                HeardBy = s_model,
                Origin = new InputRange(4, 9),
            }
        },
        { "coverage", new CoverageInterval(s_file, "model", CoverageState.Analysed, LossReason.None, 0, 16_000, 0.5) },
        { "coverage", new CoverageInterval(s_file, "model", CoverageState.Gated, LossReason.None, 16_000, 17_000, 0) },
        {
            "coverage",
            new CoverageInterval(
                s_partition, "model", CoverageState.Lost, LossReason.DeviceAway, 0, long.MaxValue / 100_000, 0, SourceState.Away)
        },
        { "scores", new ScoreFrame(s_file, "model", 0, 8000, ["dog", "rain"], [0.25f, 1]) },
        { "scores", new ScoreFrame(s_partition, "model", 0, 8000, ["dog"], [0]) { HeardBy = s_model } },
    };

    [Theory]
    [MemberData(nameof(Records))]
    public void Write_Record_IsValidByItsSchema(string schema, StreamRecord record)
    {
        var bytes = new ArrayBufferWriter<byte>();
        RecordJson.Write(bytes, record);

        AssertValid(schema, bytes.WrittenSpan);
    }

    [Theory]
    [InlineData(ReviewVerdict.Right, null, "right")]
    [InlineData(ReviewVerdict.OtherLabel, "cat", "other_label")]
    public void Write_Review_IsValidByItsSchema(ReviewVerdict verdict, string? label, string word)
    {
        var bytes = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(bytes))
            RecordJson.Write(json, new Review("1", verdict, label, "ann", new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(1))));

        var written = AssertValid("review", bytes.WrittenSpan);
        Assert.Equal(
            (word, label, "2026-01-02T02:04:05Z"),
            ((string?)written["verdict"], (string?)written["event_label"], (string?)written["time"]));
    }

    [Fact]
    public void Schema_OfAnEvent_RefusesOneThatLacksItsLabel()
    {
        var bytes = new ArrayBufferWriter<byte>();
        RecordJson.Write(bytes, new SoundEvent("1", EventState.Opened, s_file, "model", "dog", 0, 1.5, 0.5f, 0.25f));
        var record = JsonNode.Parse(bytes.WrittenSpan)!;
        record.AsObject().Remove("event_label");

        Assert.False(Schema("event").Evaluate(JsonSerializer.SerializeToElement(record)).IsValid);
    }

    private static JsonNode AssertValid(string schema, ReadOnlySpan<byte> json)
    {
        var record = JsonNode.Parse(json)!;
        var result = Schema(schema).Evaluate(
            JsonSerializer.SerializeToElement(record), new EvaluationOptions { OutputFormat = OutputFormat.List });
        Assert.True(result.IsValid, string.Join("; ", (result.Details ?? []).SelectMany(d => d.Errors ?? []).Select(e => e.Value)));
        return record;
    }

    private static JsonSchema Schema(string name) =>
        JsonSchema.FromText(File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "schemas", $"{name}.v1.schema.json")));
}
