using System.Text;

namespace AstStream.Streaming.Definitions;

/// <summary>Writes what pipeline definitions can say, in Markdown, from the same keys that read them: docs/pipelines.md.</summary>
public static class PipelineReference
{
    private const string Introduction = """
        # Pipelines: every key

        A pipeline is a YAML file; `aststream run FILE` runs it. This page is made from the keys' own descriptions
        (`aststream schema keys`); [the JSON Schema](../pipelines/pipeline.schema.json) says the same to editors.

        - Paths are relative to the file. Unknown keys are errors, with line, column and the nearest valid key; all errors are reported at
          once. `aststream validate FILE` only checks.
        - Durations and sizes have units: `500ms`, `0.5s`, `2m`; `500KB`, `100MB`.
        - `${env:NAME}` and `${file:PATH}` (at most 64 KiB) stand for a value from elsewhere in every text; what came from there is never
          shown. NAME is a variable of the environment, else a line `NAME=VALUE` of `secrets.env` beside the file.
        - `--set KEY=VALUE` overrides a value: `aststream run pipelines/demo.yaml --set events.threshold=0.6`.
        - Names of sources, transforms, models and sinks are yours, and no two are the same: at most 63 letters, digits, `-` and `_`,
          and not `batch`, `model`, `events`, `tee` or `lane`.

        ```yaml
        sources:
          porch: {type: microphone, device: USB}
        model:
          hop: 500ms
        events:
          threshold: 0.6
          smoothing: 1.5s
        sinks:
          log: {type: jsonl, path: events.jsonl, records: [events, coverage]}
        ```

        """;

    /// <summary>The reference as text.</summary>
    public static string Generate(ComponentCatalog catalog)
    {
        var text = new StringBuilder(Introduction.ReplaceLineEndings("\n"));
        Section(text, "## The file", "", [.. PipelineKeys.Root, .. catalog.Sections.Select(s => s.Key)]);
        Section(
            text,
            "## sources.NAME",
            "Where sound comes from. Every source has these keys, and those of its type.",
            SourceKeys.All);
        foreach (var type in catalog.Sources)
            Section(text, $"### type: {type.Type}", type.Doc, type.Keys);
        Section(text, "## transforms.NAME", "What is done to sound before the model.", [PipelineKeys.Inputs]);
        foreach (var (type, doc, keys) in PipelineKeys.TransformTypes)
            Section(text, $"### type: {type}", doc, keys);
        Section(
            text,
            "## model, and models.NAME",
            "A pipeline has one `model` and `events`, or several under `models`, each with an `events` section of its own.",
            PipelineKeys.ModelSection);
        Section(text, "### sessions", "An entry has these keys; what it leaves out is the model's.", PipelineKeys.SessionKeys);
        Section(text, "## events", "How scores become events.", EventDefinition.All);
        Within(text, "events", EventDefinition.All);
        Section(text, "## sinks.NAME", "Where records go. Every sink has these keys, and those of its type.", PipelineKeys.SinkKeys);
        foreach (var type in catalog.Sinks)
            Section(text, $"### type: {type.Type}", type.Doc, type.Keys);
        foreach (var section in catalog.Sections)
        {
            Section(text, $"## {section.Name}", section.Doc, section.Keys);
            Within(text, section.Name, section.Keys);
        }

        return text.ToString();
    }

    /// <summary>The keys that have keys of their own.</summary>
    private static void Within(StringBuilder text, string section, IReadOnlyList<Key> keys)
    {
        foreach (var key in keys.Where(k => k.Nested.Count + k.Types.Count > 0))
        {
            Section(text, $"### {section}.{key.Name}", key.Doc, key.Nested);
            foreach (var type in key.Types)
                Section(text, $"#### type: {type.Type}", type.Doc, type.Keys);
        }
    }

    private static void Section(StringBuilder text, string title, string about, IReadOnlyList<Key> keys)
    {
        text.Append('\n').Append(title).Append("\n\n");
        if (about.Length > 0)
            text.Append(about).Append("\n\n");
        if (keys.Count == 0)
            return;
        text.Append("| key | |\n|---|---|\n");
        foreach (var key in keys)
        {
            var doc = key.Doc.Replace("|", "\\|", StringComparison.Ordinal);
            text.Append($"| `{key.Name}` | {(key.Required ? "**Required.** " : "")}{doc} |\n");
        }
    }
}
