using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using AstStream.Dsp;
using AstStream.Streaming;
using Confluent.Kafka;

namespace AstStream.Connectors.Kafka;

/// <summary>Records as CloudEvents 1.0 in the Kafka protocol binding: structured (all in the value, as JSON) or binary (attributes in headers, data in the value).</summary>
/// <param name="source">The attribute source: which of several pipelines it was.</param>
/// <param name="isBinary">Whether attributes go in headers.</param>
internal sealed class CloudEvents(string source, bool isBinary) : IDisposable
{
    /// <summary>The attribute type of events; the number changes when their data changes in a way that readers must know of.</summary>
    public const string EventType = "aststream.event.v1";

    /// <summary>The attribute type of coverage.</summary>
    public const string CoverageType = "aststream.coverage.v1";

    /// <summary>The attribute type of the scores of a window.</summary>
    public const string ScoresType = "aststream.scores.v1";

    private static readonly JsonWriterOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly RecordContext s_context = new(new JsonSerializerOptions(RecordContext.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });

    private readonly ArrayBufferWriter<byte> _bytes = new(1024);
    private readonly Utf8JsonWriter _writer = new(Stream.Null, s_json);

    public void Dispose() => _writer.Dispose();

    /// <summary>The message of a record: its key is the stream.</summary>
    public Message<byte[], byte[]?> Write(StreamRecord record)
    {
        var (type, id, time) = record switch
        {
            SoundEvent e => (EventType, $"{e.Id}-{e.State.SnakeCase()}", e.Stream.TimeAt(e.Onset)),
            ScoreFrame f => (ScoresType, string.Create(CultureInfo.InvariantCulture, $"{f.Stream.Id}-{f.Stream.StartTime?.UtcTicks:x}-{f.Model}-{f.Start}-scores"), f.Stream.TimeAt(FbankOptions.Seconds(f.Start))),
            CoverageInterval c => (CoverageType, string.Create(CultureInfo.InvariantCulture, $"{c.Stream.Id}-{c.Stream.StartTime?.UtcTicks:x}-{c.Model}-{c.Start}"), c.Stream.TimeAt(FbankOptions.Seconds(c.Start))),
            _ => throw new ArgumentException($"a {record.GetType().Name} is no record of a sink", nameof(record)),
        };
        _bytes.ResetWrittenCount();
        _writer.Reset(_bytes);
        var message = new Message<byte[], byte[]?> { Key = Encoding.UTF8.GetBytes(record.Stream.Id) };
        if (isBinary)
        {
            WriteData(record);
            message.Headers = [];
            void Add(string name, string value) => message.Headers.Add(name, Encoding.UTF8.GetBytes(value));
            Add("ce_specversion", "1.0");
            Add("ce_id", id);
            Add("ce_source", source);
            Add("ce_type", type);
            Add("ce_subject", record.Stream.Id);
            if (time is { } at)
                Add("ce_time", at.UtcDateTime.ToString("O", CultureInfo.InvariantCulture));
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
            WriteData(record);
            _writer.WriteEndObject();
            message.Headers = new Headers { { "content-type", "application/cloudevents+json; charset=UTF-8"u8.ToArray() } };
        }

        _writer.Flush();
        message.Value = _bytes.WrittenSpan.ToArray();
        return message;
    }

    private void WriteData(StreamRecord record)
    {
        if (record is SoundEvent e)
            JsonSerializer.Serialize(_writer, Data(e), s_context.EventData);
        else if (record is ScoreFrame f)
            JsonSerializer.Serialize(_writer, Data(f), s_context.ScoresData);
        else
            JsonSerializer.Serialize(_writer, Data((CoverageInterval)record), s_context.CoverageData);
    }

    private static EventData Data(SoundEvent e)
    {
        var origin = e.Stream.Delivery as KafkaStream;
        return new EventData
        {
            Id = e.Id,
            State = e.State.SnakeCase(),
            Source = e.Stream.Source,
            Stream = e.Stream.Id,
            EventLabel = e.Label,
            EventOnset = RecordJson.Rounded(e.Onset),
            EventOffset = RecordJson.Rounded(e.Offset),
            Score = RecordJson.Rounded(e.Score),
            MeanScore = RecordJson.Rounded(e.MeanScore),
            OnsetTime = e.Stream.TimeAt(e.Onset)?.UtcDateTime,
            Evidence = new EvidenceData
            {
                StartSample = (long)Math.Round(e.Onset * FbankOptions.SampleRate),
                EndSample = (long)Math.Round(e.Offset * FbankOptions.SampleRate),
                Topic = origin?.Partition.Topic,
                Partition = origin?.Partition.Partition.Value,
                FirstOffset = origin is null ? null : e.Origin.First,
                LastOffset = origin is null ? null : e.Origin.Last,
                Model = e.Model,
                ModelHash = e.HeardBy?.Hash,
                Precision = e.HeardBy?.Precision,
                Provider = e.HeardBy?.Provider,
            },
        };
    }

    private static ScoresData Data(ScoreFrame f)
    {
        var scores = new Dictionary<string, decimal>(f.Labels.Count, StringComparer.Ordinal);
        for (var i = 0; i < f.Labels.Count; i++)
            scores[f.Labels[i]] = RecordJson.Rounded(f.Scores[i]);
        return new ScoresData
        {
            Source = f.Stream.Source,
            Stream = f.Stream.Id,
            Start = RecordJson.Rounded(FbankOptions.Seconds(f.Start)),
            End = RecordJson.Rounded(FbankOptions.Seconds(f.End)),
            StartSample = f.Start,
            EndSample = f.End,
            StartTime = f.Stream.TimeAt(FbankOptions.Seconds(f.Start))?.UtcDateTime,
            Scores = scores,
            Model = f.Model,
            ModelHash = f.HeardBy?.Hash,
            Precision = f.HeardBy?.Precision,
            Provider = f.HeardBy?.Provider,
        };
    }

    private static CoverageData Data(CoverageInterval c) => new()
    {
        Coverage = c.State.SnakeCase(),
        Reason = c.State == CoverageState.Lost ? c.Reason.SnakeCase() : null,
        Source = c.Stream.Source,
        Stream = c.Stream.Id,
        Model = c.Model,
        Start = RecordJson.Rounded(FbankOptions.Seconds(c.Start)),
        End = RecordJson.Rounded(FbankOptions.Seconds(c.End)),
        StartSample = c.Start,
        EndSample = c.End,
        EffectiveHop = c.State == CoverageState.Analysed ? RecordJson.Rounded(c.EffectiveHop) : null,
        SourceState = c.Source?.SnakeCase(),
        StartTime = c.Stream.TimeAt(FbankOptions.Seconds(c.Start))?.UtcDateTime,
    };
}
