using System.Text.Json;
using System.Text.Json.Serialization;
using AstStream.Events;
using AstStream.Events.Json;
using AstStream.Station.Store;

namespace AstStream.Station.Web;

/// <summary>JSON as the API writes it: names in snake_case, what is not known left out, events as sinks publish them.</summary>
internal static class WebJson
{
    /// <summary>How it is written and read.</summary>
    public static void Configure(JsonSerializerOptions options)
    {
        options.PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower;
        options.DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull;
        options.NumberHandling = JsonNumberHandling.Strict;
        options.RespectNullableAnnotations = true;
        options.RespectRequiredConstructorParameters = true;
        options.Encoder = JsonText.Encoder;
    }

    /// <summary>An event as sinks publish it.</summary>
    public static JsonElement Of(SoundEvent e) => Element(json => RecordJson.Write(json, e));

    /// <summary>An event with what the station knows of it.</summary>
    public static EventItem Of(StoredEvent stored) => new(
        Of(stored.Event), stored.IsTimeKnown ? stored.Time.UtcDateTime : null, stored.Time.UtcDateTime, stored.Clip,
        stored.Review is { } review ? Element(json => RecordJson.Write(json, review)) : null);

    private static JsonElement Element(Action<Utf8JsonWriter> write)
    {
        using var document = JsonDocument.Parse(JsonText.Bytes(write));
        return document.RootElement.Clone();
    }
}
