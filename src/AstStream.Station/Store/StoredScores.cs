using System.Text.Json;

namespace AstStream.Station.Store;

/// <summary>Scores over a clip's time as a store has them: JSON, times to 10 ms, scores to a thousandth.</summary>
internal static class StoredScores
{
    private static readonly JsonSerializerOptions s_options = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    public static string Pack(IReadOnlyList<ScoreCurve> curves) => JsonSerializer.Serialize(
        curves.Select(c => c with
        {
            Times = [.. c.Times.Select(t => Math.Round(t, 2))],
            Scores = [.. c.Scores.Select(s => MathF.Round(s, 3))],
        }),
        s_options);

    /// <summary>Reads them; none where another program wrote something else there.</summary>
    public static IReadOnlyList<ScoreCurve> Unpack(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<List<ScoreCurve>>(json, s_options) ?? [];
        }
        catch (JsonException)
        {
            return [];
        }
    }
}
