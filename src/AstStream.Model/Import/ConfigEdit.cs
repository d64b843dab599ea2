using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using AstStream.Model.Checkpoints;

namespace AstStream.Model.Import;

/// <summary>Changes some keys of a checkpoint's JSON files; all else that is in them stays.</summary>
internal static class ConfigEdit
{
    private static readonly JsonSerializerOptions s_json = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>A file's JSON with changes.</summary>
    /// <param name="json">The JSON.</param>
    /// <param name="file">What it is called in messages.</param>
    /// <param name="change">Changes it.</param>
    /// <exception cref="InvalidCheckpointException">It is no object, or has a key twice.</exception>
    public static byte[] Changed(byte[] json, string file, Action<JsonObject> change)
    {
        try
        {
            if (JsonNode.Parse(json) is not JsonObject root)
                throw new InvalidCheckpointException($"{file}: is no JSON object");
            change(root);
            return JsonSerializer.SerializeToUtf8Bytes(root, s_json);
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new InvalidCheckpointException($"{file}: can't be changed: {e.Message}");
        }
    }
}
