using System.Text.Json.Serialization;

namespace AstStream.Events.Json;

/// <summary>Writes and reads the data of records.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(EventData))]
[JsonSerializable(typeof(CoverageData))]
[JsonSerializable(typeof(ScoresData))]
[JsonSerializable(typeof(ReviewData))]
internal sealed partial class RecordContext : JsonSerializerContext;
