using System.Text.Json.Serialization;
using AstStream.Station.Targets;

namespace AstStream.Station.Notify;

/// <summary>Writes and reads notifications that wait.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(Notice))]
internal sealed partial class NoticeContext : JsonSerializerContext;
