using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using AstStream.Streaming;

namespace AstStream.Connectors;

/// <summary>An event as one JSON object. Times are seconds from the stream's start with four decimals; scores have four.</summary>
internal static class EventJson
{
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static void Write(IBufferWriter<byte> output, SoundEvent e)
    {
        using var json = new Utf8JsonWriter(output, s_options);
        json.WriteStartObject();
        json.WriteString("id", e.Id);
        json.WriteString("state", e.State.ToString().ToLowerInvariant());
        json.WriteString("source", e.Stream.Source);
        json.WriteString("stream", e.Stream.Id);
        json.WriteString("event_label", e.Label);
        json.WriteNumber("event_onset", Rounded(e.Onset));
        json.WriteNumber("event_offset", Rounded(e.Offset));
        json.WriteNumber("score", Rounded(e.Score));
        json.WriteNumber("mean_score", Rounded(e.MeanScore));
        if (e.Stream.StartTime is { } start)
            json.WriteString("onset_time", (start + TimeSpan.FromSeconds(e.Onset)).UtcDateTime);
        json.WriteEndObject();
    }

    private static decimal Rounded(double value) => Math.Round((decimal)value, 4);
}
