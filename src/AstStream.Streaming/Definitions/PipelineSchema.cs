using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace AstStream.Streaming.Definitions;

/// <summary>
/// Writes the JSON Schema of pipeline definitions from the same keys that read them, for editors that complete and check YAML.
/// </summary>
public static class PipelineSchema
{
    private static readonly JsonSerializerOptions s_indented = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping
    };

    /// <summary>The schema as text.</summary>
    public static string Generate(ComponentCatalog catalog)
    {
        var transforms = PipelineKeys.TransformTypes.Select(
            t => Component(t.Type, t.Doc, [PipelineKeys.Inputs, .. t.Keys], [PipelineKeys.Inputs.Name]));
        var schema = Section([.. PipelineKeys.Root, .. catalog.Sections.Select(s => s.Key)]);
        schema["anyOf"] = new JsonArray([.. catalog.Sections.Select(s => s.Name).Prepend(PipelineKeys.Sinks.Name).Select(n => new JsonObject
        {
            ["required"] = new JsonArray(n),
        })]);
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
        schema["title"] = "AstStream pipeline";
        var properties = schema["properties"]!;
        Fill(properties["model"]!, Model([]));
        Fill(properties["models"]!,
            new JsonObject
            {
                ["propertyNames"] = Names(),
                ["additionalProperties"] = Model([PipelineKeys.ModelEvents]),
                ["minProperties"] = 1
            });
        Fill(properties["events"]!, Section(EventDefinition.All));
        Fill(properties["sources"]!,
            Named(catalog.Sources.Select(t => Component(t.Type, t.Doc, [.. t.Keys, .. SourceKeys.All], []))));
        Fill(properties["transforms"]!, Named(transforms));
        Fill(properties["sinks"]!, Named(catalog.Sinks.Select(t => Component(t.Type, t.Doc, [.. t.Keys, .. PipelineKeys.SinkKeys], []))));
        return schema.ToJsonString(s_indented) + "\n";
    }

    private static JsonObject Model(Key[] more)
    {
        var model = Section([.. PipelineKeys.ModelSection, .. more]);
        Fill(model["properties"]!["sessions"]!, new JsonObject { ["items"] = Section(PipelineKeys.SessionKeys) });
        if (more.Length > 0)
            Fill(model["properties"]!["events"]!, Section(EventDefinition.All));
        return model;
    }

    private static JsonObject Names() => new() { ["pattern"] = $"^{NamedSection.PatternText}$" };

    internal static JsonObject Component(ComponentType type) => Component(type.Type, type.Doc, type.Keys, []);

    internal static JsonObject Named(IEnumerable<JsonObject> types) => new()
    {
        ["propertyNames"] = Names(),
        ["additionalProperties"] = new JsonObject { ["oneOf"] = new JsonArray([.. types]) },
    };

    private static JsonObject Component(string type, string doc, IReadOnlyList<Key> keys, IEnumerable<string> alsoRequired)
    {
        var section = Section([.. keys]);
        section["description"] = doc;
        ((JsonObject)section["properties"]!).Insert(0, "type", new JsonObject { ["const"] = type });
        var required = (JsonArray?)section["required"] ?? [];
        section["required"] = new JsonArray(
            [JsonValue.Create("type"), .. alsoRequired.Select(r => JsonValue.Create(r)), .. required.Select(r => r!.DeepClone())]);
        return section;
    }

    /// <summary>The schema of a mapping.</summary>
    internal static JsonObject Section(IReadOnlyList<Key> keys)
    {
        var properties = new JsonObject();
        foreach (var key in keys)
        {
            var schema = key.Schema();
            schema["description"] = key.Doc;
            properties[key.Name] = schema;
        }

        var section = new JsonObject { ["type"] = "object", ["additionalProperties"] = false, ["properties"] = properties };
        if (keys.Any(k => k.Required))
            section["required"] = new JsonArray([.. keys.Where(k => k.Required).Select(k => JsonValue.Create(k.Name))]);
        return section;
    }

    private static void Fill(JsonNode target, JsonObject from)
    {
        foreach (var (key, value) in from)
            ((JsonObject)target)[key] = value?.DeepClone();
    }
}
