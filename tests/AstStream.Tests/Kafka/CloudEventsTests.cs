using System.Text;
using System.Text.Json;
using AstStream.Events;
using AstStream.Events.Json;
using AstStream.Kafka.Producing;
using AstStream.Streaming.Sources;

namespace AstStream.Tests.Kafka;

/// <summary>What readers of topics rely on. A change here is a new version of the type.</summary>
public class CloudEventsTests
{
    private static readonly StreamInfo s_stream = new("yard \"3\"", "mics", new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
    private static readonly SoundEvent s_event = new(
        "0123456789abcdef0123", EventState.Closed, s_stream, "model", "dog", 1.5, 3.25, 0.87654f, 0.5f)
    {
        HeardBy = new ModelIdentity("abc", "float32", "cpu"),
    };

    [Theory]
    [InlineData("event")]
    [InlineData("coverage")]
    [InlineData("scores")]
    public void Schema_OfARecord_IsTheCommittedOne(string record) =>
        Assert.Equal(
            File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "schemas", $"{record}.v1.schema.json")), RecordSchema.Of(record));

    [Fact]
    public void Write_StructuredEvent_IsWordForWordWhatItWas()
    {
        using var format = new CloudEvents("aststream", isBinary: false);
        var message = format.Write(s_event);

        Assert.Equal("yard \"3\"", Encoding.UTF8.GetString(message.Key));
        Assert.Equal("application/cloudevents+json; charset=UTF-8", Encoding.UTF8.GetString(message.Headers.GetLastBytes("content-type")));
        Assert.Equal(
            "{\"specversion\":\"1.0\",\"id\":\"0123456789abcdef0123-closed\",\"source\":\"aststream\","
            + "\"type\":\"aststream.event.v1\",\"subject\":\"yard \\\"3\\\"\",\"time\":\"2026-01-02T03:04:06.5Z\","
            + "\"datacontenttype\":\"application/json\","
            + "\"data\":{\"id\":\"0123456789abcdef0123\",\"state\":\"closed\",\"source\":\"mics\","
            + "\"stream\":\"yard \\\"3\\\"\",\"model\":\"model\","
            + "\"event_label\":\"dog\",\"event_onset\":1.5,\"event_offset\":3.25,\"score\":0.8765,\"mean_score\":0.5,"
            + "\"onset_time\":\"2026-01-02T03:04:06.5Z\",\"evidence\":{"
            + "\"start_sample\":24000,\"end_sample\":52000,\"model\":\"model\","
            + "\"model_hash\":\"abc\",\"precision\":\"float32\",\"provider\":\"cpu\"}}}",
            Encoding.UTF8.GetString(message.Value!));
    }

    [Fact]
    public void Write_BinaryCoverage_HasItsAttributesInHeaders()
    {
        using var format = new CloudEvents("urn:site:7", isBinary: true);
        var message = format.Write(
            new CoverageInterval(s_stream, "model", CoverageState.Lost, LossReason.DeviceAway, 16_000, 24_000, 0, SourceState.Away));
        string Header(string name) => Encoding.UTF8.GetString(message.Headers.GetLastBytes(name));

        Assert.Equal(
            ("1.0", "urn:site:7", "aststream.coverage.v1", "yard \"3\"", "2026-01-02T03:04:06.0000000Z"),
            (Header("ce_specversion"), Header("ce_source"), Header("ce_type"), Header("ce_subject"), Header("ce_time")));
        Assert.Equal(
            """{"coverage":"lost","reason":"device_away","source":"mics","stream":"yard \"3\"","model":"model","start":1,"end":1.5,"start_sample":16000,"end_sample":24000,"source_state":"away","start_time":"2026-01-02T03:04:06Z"}""",
            Encoding.UTF8.GetString(message.Value!));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Write_EventThatCarriesHeaders_HasThemAsTheyCame(bool isBinary)
    {
        using var format = new CloudEvents("aststream", isBinary);
        var message = format.Write(s_event with { Carried = [new("traceparent", "00-a-b-01"u8.ToArray()), new("site", [0, 255])] });

        Assert.Equal("00-a-b-01", Encoding.UTF8.GetString(message.Headers.GetLastBytes("traceparent")));
        Assert.Equal([0, 255], message.Headers.GetLastBytes("site"));
    }

    [Fact]
    public void Write_OpenedAndClosed_HaveIdsOfTheirOwnAndShareTheEvents()
    {
        using var format = new CloudEvents("aststream", isBinary: false);
        var ids = new[] { s_event with { State = EventState.Opened }, s_event }.Select(
            e => JsonDocument.Parse(format.Write(e).Value!).RootElement).ToList();

        Assert.NotEqual(ids[0].GetProperty("id").GetString(), ids[1].GetProperty("id").GetString());
        Assert.Equal(ids[0].GetProperty("data").GetProperty("id").GetString(), ids[1].GetProperty("data").GetProperty("id").GetString());
    }
}
