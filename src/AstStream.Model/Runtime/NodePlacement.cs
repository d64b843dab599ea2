using System.Text.Json;
using AstStream.Model.Checkpoints;
using Microsoft.ML.OnnxRuntime;

namespace AstStream.Model.Runtime;

/// <summary>How many nodes of one operator run on one provider.</summary>
/// <param name="Provider">cpu, cuda, tensorrt, or what ONNX Runtime calls it.</param>
/// <param name="Operator">The operator's type.</param>
/// <param name="Nodes">How many nodes.</param>
public sealed record NodePlacement(string Provider, string Operator, int Nodes)
{
    /// <summary>Reads the profile of a session's first run: ONNX Runtime's C# interface tells it nowhere else.</summary>
    internal static IReadOnlyList<NodePlacement> Read(InferenceSession session)
    {
        try
        {
            var path = session.EndProfiling();
            using var json = JsonDocument.Parse(File.ReadAllBytes(path));
            return [.. json.RootElement.EnumerateArray()
                .Where(e => e.TryGetProperty("args", out var args) && args.TryGetProperty("provider", out _)
                    && args.TryGetProperty("op_name", out _))
                .Select(e => (Node: e.GetProperty("name").GetString(), Provider: Text(e, "provider"), Operator: Text(e, "op_name")))
                .DistinctBy(n => n.Node)
                .GroupBy(n => (n.Provider, n.Operator))
                .Select(g => new NodePlacement(Short(g.Key.Provider), g.Key.Operator, g.Count()))
                .OrderBy(p => p.Provider, StringComparer.Ordinal)
                    .ThenByDescending(p => p.Nodes).ThenBy(p => p.Operator, StringComparer.Ordinal)];
        }
        catch (Exception e) when (
            e is JsonException or IOException or UnauthorizedAccessException or ArgumentException or OnnxRuntimeException)
        {
            return []; // a folder for temporary files that is full, say: the model runs without the report
        }
    }

    /// <summary>Removes the profiles that begin with a path.</summary>
    internal static void RemoveProfiles(string prefix)
    {
        try
        {
            foreach (var file in Directory.EnumerateFiles(Path.GetDirectoryName(prefix)!, Path.GetFileName(prefix) + "*"))
                File.Delete(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It lies in the folder for temporary files.
        }
    }

    private static string Text(JsonElement e, string key) => e.GetProperty("args").GetProperty(key).GetString() ?? "";

    private static string Short(string provider) =>
        Enum.GetValues<ExecutionProvider>().Where(p => p.RuntimeName() == provider).Select(p => p.Word()).FirstOrDefault() ?? provider;
}
