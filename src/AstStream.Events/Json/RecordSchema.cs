using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Schema;

namespace AstStream.Events.Json;

/// <summary>The JSON Schemas of the records that sinks write, made from the types that are written.</summary>
public static class RecordSchema
{
    private static readonly JsonSchemaExporterOptions s_exporter = new()
    {
        TreatNullObliviousAsNonNullable = true,
        TransformSchemaNode = static (context, node) =>
        {
            if (node is JsonObject schema && context.PropertyInfo?.AttributeProvider?.GetCustomAttributes(
                typeof(DescriptionAttribute), inherit: false) is [DescriptionAttribute { Description: var description }])
                schema.Insert(0, "description", description);
            return node;
        },
    };
    private static readonly JsonSerializerOptions s_indented = new()
    {
        WriteIndented = true,
        NewLine = "\n",
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping
    };

    /// <summary>The records that have a schema.</summary>
    public static IReadOnlyList<string> Records { get; } = ["event", "coverage", "scores", "review"];

    /// <summary>The schema of a type's data, as <see cref="RecordTypes"/> has it.</summary>
    public static string OfType(string type) => Of(type.Split('.')[1]);

    /// <summary>The schema of a record's data.</summary>
    /// <param name="record">One of <see cref="Records"/>.</param>
    /// <exception cref="ArgumentException">There is no such record.</exception>
    public static string Of(string record)
    {
        var (type, title) = record switch
        {
            "event" => (typeof(EventData), RecordTypes.Event),
            "coverage" => (typeof(CoverageData), RecordTypes.Coverage),
            "scores" => (typeof(ScoresData), RecordTypes.Scores),
            "review" => (typeof(ReviewData), RecordTypes.Review),
            _ => throw new ArgumentException($"no record '{record}'", nameof(record)),
        };
        var schema = JsonSchemaExporter.GetJsonSchemaAsNode(RecordContext.Default.Options, type, s_exporter).AsObject();
        var whole = new JsonObject
        {
            ["$schema"] = "https://json-schema.org/draft/2020-12/schema",
            ["title"] = title,
            ["description"] = $"The data of a CloudEvent of type {title}, and of a line of JSON. Names and meanings of a version never "
                + $"change; optional properties may be added.",
        };
        foreach (var (name, value) in schema.ToList())
        {
            schema.Remove(name);
            whole[name] = value;
        }

        return whole.ToJsonString(s_indented) + "\n";
    }
}
