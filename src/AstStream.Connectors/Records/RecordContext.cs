using System.Text.Json.Serialization;

namespace AstStream.Connectors;

/// <summary>Writes and reads the data of records.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(EventData))]
[JsonSerializable(typeof(CoverageData))]
[JsonSerializable(typeof(ScoresData))]
internal sealed partial class RecordContext : JsonSerializerContext;
