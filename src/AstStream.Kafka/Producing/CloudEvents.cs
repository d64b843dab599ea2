using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using AstStream.Dsp;
using AstStream.Events;
using AstStream.Events.Json;
using AstStream.Kafka.Blocks;
using Confluent.Kafka;

namespace AstStream.Kafka.Producing;

/// <summary>
/// Records as CloudEvents 1.0 in the Kafka protocol binding: structured (all in the value, as JSON) or binary (attributes in headers, data
/// in the value).
/// </summary>
/// <param name="source">The attribute source: which of several pipelines it was.</param>
/// <param name="isBinary">Whether attributes go in headers.</param>
internal sealed class CloudEvents(string source, bool isBinary) : IDisposable
{
    private readonly ArrayBufferWriter<byte> _bytes = new(1024);
    private readonly Utf8JsonWriter _writer = new(Stream.Null, JsonText.Options);

    public void Dispose() => _writer.Dispose();

    /// <summary>The attribute type of a record.</summary>
    public static string TypeOf(StreamRecord record) => record switch
    {
        SoundEvent => RecordTypes.Event,
        CoverageInterval => RecordTypes.Coverage,
        ScoreFrame => RecordTypes.Scores,
        _ => throw new ArgumentException($"a {record.GetType().Name} is no record of a sink", nameof(record)),
    };

    /// <summary>Whether a header is one of those that every message has.</summary>
    public static bool Writes(string header) =>
        header.StartsWith("ce_", StringComparison.OrdinalIgnoreCase) || header.Equals("content-type", StringComparison.OrdinalIgnoreCase);

    /// <summary>The message of a record: its key is the stream.</summary>
    /// <param name="record">The record.</param>
    /// <param name="schema">
    /// The number of its data's schema in a registry, which the value begins with then, as Confluent's readers expect; attributes are in
    /// headers.
    /// </param>
    public Message<byte[], byte[]?> Write(StreamRecord record, int? schema = null)
    {
        var type = TypeOf(record);
        var (id, time) = record switch
        {
            SoundEvent e => ($"{e.Id}-{e.State.SnakeCase()}", e.Stream.TimeAt(e.Onset)),
            ScoreFrame f => (
                string.Create(
                CultureInfo.InvariantCulture, $"{f.Stream.Id}-{f.Stream.StartTime?.UtcTicks:x}-{f.Model}-{f.Start}-scores"),
                f.Stream.TimeAt(FbankOptions.Seconds(f.Start))),
            CoverageInterval c => (
                string.Create(CultureInfo.InvariantCulture, $"{c.Stream.Id}-{c.Stream.StartTime?.UtcTicks:x}-{c.Model}-{c.Start}"),
                c.Stream.TimeAt(FbankOptions.Seconds(c.Start))),
            _ => throw new ArgumentException($"a {record.GetType().Name} is no record of a sink", nameof(record)),
        };
        _bytes.ResetWrittenCount();
        if (schema is { } number)
            SchemaFrame.Write(_bytes, number);
        _writer.Reset(_bytes);
        var message = new Message<byte[], byte[]?> { Key = Encoding.UTF8.GetBytes(record.Stream.Id) };
        if (isBinary)
        {
            RecordJson.Write(_writer, record);
            message.Headers = [];
            void Add(string name, string value) => message.Headers.Add(name, Encoding.UTF8.GetBytes(value));
            Add("ce_specversion", "1.0");
            Add("ce_id", id);
            Add("ce_source", source);
            Add("ce_type", type);
            Add("ce_subject", record.Stream.Id);
            if (time is { } at)
                Add("ce_time", at.UtcDateTime.ToString("O", CultureInfo.InvariantCulture));
            if (schema is null)
                Add("content-type", "application/json");
        }
        else
        {
            _writer.WriteStartObject();
            _writer.WriteString("specversion", "1.0");
            _writer.WriteString("id", id);
            _writer.WriteString("source", source);
            _writer.WriteString("type", type);
            _writer.WriteString("subject", record.Stream.Id);
            if (time is { } at)
                _writer.WriteString("time", at.UtcDateTime);
            _writer.WriteString("datacontenttype", "application/json");
            _writer.WritePropertyName("data");
            RecordJson.Write(_writer, record);
            _writer.WriteEndObject();
            message.Headers = new Headers { { "content-type", "application/cloudevents+json; charset=UTF-8"u8.ToArray() } };
        }

        foreach (var (name, value) in (record as SoundEvent)?.Carried ?? [])
            message.Headers.Add(name, value);
        _writer.Flush();
        message.Value = _bytes.WrittenSpan.ToArray();
        return message;
    }
}
