using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using AstStream.Dsp;
using AstStream.Streaming;

namespace AstStream.Connectors;

/// <summary>A record as one JSON object. Times are seconds from the stream's start with four decimals; scores have four.</summary>
internal static class RecordJson
{
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void Write(IBufferWriter<byte> output, StreamRecord record)
    {
        using var json = new Utf8JsonWriter(output, s_options);
        json.WriteStartObject();
        if (record is SoundEvent e)
            Write(json, e);
        else if (record is CoverageInterval interval)
            Write(json, interval);
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, SoundEvent e)
    {
        json.WriteString("id", e.Id);
        json.WriteString("state", e.State.SnakeCase());
        WriteStream(json, e);
        json.WriteString("event_label", e.Label);
        json.WriteNumber("event_onset", Rounded(e.Onset));
        json.WriteNumber("event_offset", Rounded(e.Offset));
        json.WriteNumber("score", Rounded(e.Score));
        json.WriteNumber("mean_score", Rounded(e.MeanScore));
        if (e.Stream.TimeAt(e.Onset) is { } onset)
            json.WriteString("onset_time", onset.UtcDateTime);
    }

    /// <summary>Samples besides seconds, so that who adds up a stream's intervals gets its length exactly.</summary>
    private static void Write(Utf8JsonWriter json, CoverageInterval interval)
    {
        json.WriteString("coverage", interval.State.SnakeCase());
        if (interval.State == CoverageState.Lost)
            json.WriteString("reason", interval.Reason.SnakeCase());
        WriteStream(json, interval);
        json.WriteNumber("start", Rounded(FbankOptions.Seconds(interval.Start)));
        json.WriteNumber("end", Rounded(FbankOptions.Seconds(interval.End)));
        json.WriteNumber("start_sample", interval.Start);
        json.WriteNumber("end_sample", interval.End);
        if (interval.State == CoverageState.Analysed)
            json.WriteNumber("effective_hop", Rounded(interval.EffectiveHop));
        if (interval.Source is { } state)
            json.WriteString("source_state", state.SnakeCase());
        if (interval.Stream.TimeAt(FbankOptions.Seconds(interval.Start)) is { } start)
            json.WriteString("start_time", start.UtcDateTime);
    }

    private static void WriteStream(Utf8JsonWriter json, StreamRecord record)
    {
        json.WriteString("source", record.Stream.Source);
        json.WriteString("stream", record.Stream.Id);
        json.WriteString("model", record.Model);
    }

    /// <summary>Seconds and scores as records write them.</summary>
    public static decimal Rounded(double value) => Math.Round((decimal)value, 4);
}
