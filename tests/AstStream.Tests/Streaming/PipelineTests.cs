using System.Text.RegularExpressions;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Pipelines;
using AstStream.Streaming.Telemetry;
using AstStream.Worker;

namespace AstStream.Tests.Streaming;

public sealed partial class PipelineTests : IDisposable
{
    private static readonly string s_model = Path.Combine(Reference.Folder, "ast-small-16x16-t256");
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    public static TheoryData<string, string[]> BadDefinitions => new()
    {
        { "", ["1:1: the file is empty"] },
        { "a: b: c", ["1:5: not valid YAML"] },
        { "- a", ["1:1: the pipeline: found a list; expected a mapping"] },
        { "sources: {a: {type: file, path: x.wav}}", ["1:1: the pipeline: key 'sinks' is missing"] },
        { Good("sourcs: {}"), ["unknown key 'sourcs'; did you mean 'sources'?"] },
        { Good("events: {treshold: 0.3}"), ["5:10: unknown key 'events.treshold'; did you mean 'threshold'?"] },
        { Good("events: {threshold: 1.5}"), ["events.threshold: found '1.5'; expected a number from 0 to 1"] },
        { Good("events: {median_windows: 4}"), ["events.median_windows: 4 is even"] },
        { Good("events: {median_windows: 3, smoothing: 3s}"), ["events.median_windows: stands beside 'smoothing'"] },
        { Good("events: {timing: window, confirm: none}"), ["events.confirm: stands beside 'timing: window'"] },
        { Good("events: {timing: contains, early: 1}"), ["events.early: stands beside 'timing: contains'"] },
        { Good("events: {confirm: none, early: 1}"), ["events.early: stands beside 'confirm: none'"] },
        { Good("events: {early: 0.2}"), ["events.early: "] },
        { Good("events: {confirm: none, early_labels: {class 1: 1}}"), ["events.early_labels: stands beside 'confirm: none'"] },
        { Good("events: {early_labels: {'class 9': 1}}"), ["events.early_labels: the model has no label 'class 9'; did you mean"] },
        { Good("events: {timing: sgment}"), ["events.timing: found 'sgment'; did you mean 'segment'?"] },
        { Good("model: {hop: 1s}\nevents: {smoothing: 101s}"), ["events.smoothing: is 101 hops of 1 s; expected at most 99, 99 s"] },
        { Good("events: {thresholds: {'class 9': 0.2}}"), ["the model has no label 'class 9'; did you mean 'class"] },
        { Good("events: {min_duration: 5}"), ["events.min_duration: found '5'; expected a duration such as 500ms"] },
        { Good("events: {min_duration: 3h}"), ["events.min_duration: 3h is out of range; expected 0ms to 1h"] },
        { Good("events: {min_duration: 500MS}"), ["found '500MS'"] },
        { Good("model: {path: ~}"), ["model.path: found nothing; expected text"] },
        { Good("model: {path: \"a\\0b\"}"), ["model.path: found"] },
        { "sources:\n  a: {type: file, path: x.wav}\ntransforms:\n  t: {type: gian, inputs: a}\nmodel: {inputs: t}\nsinks:\n  c: {type: "
            + "console}", ["unknown type 'gian'; did you mean 'gain'?"] },
        { Good("model: {hop: 15ms}"), ["model.hop: expected a multiple of 10ms"] },
        { Good("model: {hop: 1m}"), ["longer than the model's window"] },
        { Good("model: {path: nowhere}"), ["model.path: ", "no such folder"] },
        { Good("model: {window: 1285ms}"), ["model.window: expected a multiple of 10ms"] },
        { Good("model: {window: 100ms}"), ["model.window: a window of 10 frames; expected at least the patch's 16 frames"] },
        { Good("model: {window: 10m, time_stride: 1}"), ["tokens of 16×16 values in a window; expected at most 8192 tokens"] },
        { Good("model: {window: 1.28s, hop: 2.56s}"), ["model.hop: longer than the model's window of 1.28 s"] },
        { Good("model: {precision: half, attention: flash, parity: maybe}"),
            ["model.precision: found 'half'", "model.attention: found 'flash'; expected one of sdpa, eager",
            "model.parity: found 'maybe'"] },
        { Good("model: {providers: [cuda, gpu], fallback: 1}"), ["model.providers: found 'gpu'", "model.fallback: found '1'"] },
        { Good("model: {precision: float16}"), ["model.precision: float16 is not for the CPU"] },
        { Good("model: {providers: [cuda], precision: int8}"), ["model.precision: int8 is for the CPU"] },
        { Good("model: {providers: [cpu, cuda]}"), ["model.providers: providers cpu, cuda: cpu runs everything"] },
        { Good("model: {preferred_batch_size: [4, 0]}"),
            ["model.preferred_batch_size: found '0'; expected a whole number from 1 to 1024"] },
        { Good("model: {preferred_batch_size: []}"), ["model.preferred_batch_size: the list is empty"] },
        { Good($"model: {{path: {s_model}, ensemble: [{s_model}, nowhere]}}"),
            ["model.ensemble: stands beside 'path'", "model.ensemble: ", "no such folder"] },
        { Good($"model: {{ensemble: [{s_model}, {s_model}/../ast-small-10x10]}}"),
            ["ast-small-10x10: has other labels than", "ast-small-10x10: takes windows of 1024 frames of 128 bins"] },
        { Good("model: {inputs: [b]}"), ["model.inputs: there is no source or transform 'b'; did you mean 'a'?", "'a' is not used"] },
        { Good("model: {max_hop: 100ms, hop: 500ms}"),
            ["model.max_hop: expected at least the hop of 0.5 s and at most the window of 2.56 s"] },
        { Good("model: {sessions: [{precision: int8}, {device: 1}]}"),
            ["unknown key 'model.sessions[1].device'; did you mean 'device_id'?"] },
        { Good("model: {sessions: [{providers: cuda, precision: int8}]}"), ["model.sessions[0].precision: int8 is for the CPU"] },
        { Good("model: {sessions: {}}"), ["model.sessions: found a mapping; expected a list of mappings"] },
        { Good("model: {gate: maybe, max_age: 0s}"),
            ["model.gate: found 'maybe'", "model.max_age: 0s is out of range; expected 10ms to 1h"] },
        { Good("models: {one: {hop: 1s}}\nevents: {threshold: 0.3}"), ["events: stands beside 'models'"] },
        { Good("models: {c: {hop: 1s}}"), ["sinks.c: a model has this name already"] },
        { Good("models: {one: {events: {labels: [nope]}, inputs: b}}"),
            ["models.one.events.labels: the model has no label 'nope'", "models.one.inputs: there is no source or transform 'b'"] },
        { Good("models: {}"), ["models: is empty"] },
        { "sources:\n  a: {type: stdin, priority: high}\nsinks:\n  c: {type: console, labels: [nope], models: two, when_full: drop, "
            + "min_score: 2, records: all, retry_for: 5}", ["sources.a.priority: found 'high'", "sinks.c.labels: no model has the "
            + "label 'nope'", "sinks.c.models: there is no "
            + "model 'two'", "sinks.c.when_full: found 'drop'", "sinks.c.min_score: found '2'", "sinks.c.records: found 'all'; expected "
            + "one of events, coverage", "sinks.c.retry_for: found '5'"] },
        { Good("events:\nevents: {}"), ["not valid YAML"] },
        { "sources:\n  a: {type: files, path: x.wav}\n  b: {type: file}\nsinks:\n  c: {typ: console}",
            ["2:13: sources.a.type: unknown type 'files'; did you mean 'file'?", "3:6: sources.b: key 'path' is missing",
            "5:6: sinks.c: key 'type' is missing"] },
        { "sources:\n  a: {type: file, path: x.wav}\n  b: {type: file, path: y.wav}\nmodel: {inputs: a}\nsinks:\n  c: {type: console}",
            ["3:3: 'b' is not used"] },
        { "sources:\n  a: {type: file, path: x.wav}\ntransforms:\n  t: {type: gain, inputs: [a, u]}\n  u: {type: gain, inputs: "
            + "[t]}\nsinks:\n  c: {type: console}", ["4:3: transforms.t: its sound comes back to itself (t → u → t)"] },
        { "sources:\n  a: {type: file, path: x.wav}\ntransforms:\n  t: {type: gain, inputs: t}\nsinks:\n  c: {type: console}",
            ["transforms.t: its sound comes back to itself (t → t)"] },
        { "sources:\n  a: {type: file, path: x.wav}\nsinks:\n  c: {type: jsonl, path: out.jsonl}\n  d: {type: jsonl, path: "
            + "./sub/../out.jsonl}", ["5:6: sinks.d: writes to ", "out.jsonl, as sink 'c' does"] },
        { "sources:\n  a: {type: file, path: [y.wav, x.wav]}\nsinks:\n  c: {type: jsonl, path: z/../x.wav}\n  d: {type: jsonl, path: "
            + "pipeline.yaml}", ["4:6: sinks.c: writes to ", "x.wav, which source 'a' reads", "5:6: sinks.d: writes to this very file"] },
        { "sources:\n  a: {type: stdin}\nsinks:\n  c: {type: console}\n  d: {type: console}",
            ["5:6: sinks.d: only one sink can be of type console, and 'c' is"] },
        { "sources:\n  a: {type: stdin}\n  b: {type: stdin}\nsinks:\n  c: {type: console}",
            ["3:6: sources.b: only one source can be of type stdin"] },
        { "sources:\n  model: {type: stdin}\nsinks:\n  'a b': {type: console}", ["sources.model: not a name", "sinks.a b: not a name"] },
        { "sources: {}\nsinks: {}", ["sources: is empty", "sinks: is empty"] },
        { "sources:\n  a: {type: stdin, channels: 1, channel: 3}\nsinks:\n  a: {type: console, format: yaml}",
            ["sources.a.channel: channel 3 was asked for", "sinks.a: a source or transform has this name", "format: found 'yaml'"] },
    };

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(BadDefinitions))]
    public void Load_BadDefinition_TellsAllProblemsWithTheirPlaces(string yaml, string[] messages)
    {
        var e = Assert.Throws<InvalidPipelineException>(() => Load(yaml));

        foreach (var message in messages)
            Assert.Contains(message, e.Message, StringComparison.Ordinal);
        Assert.All(e.Problems, p => Assert.Matches(Located(), p.ToString()));
    }

    [Fact]
    public void Load_NoSuchFile_SaysSo() =>
        Assert.Equal(
            "/nowhere.yaml: no such file",
            Assert.Throws<InvalidPipelineException>(() => Pipeline.Load("/nowhere.yaml", [], Host())).Message);

    [Theory]
    [InlineData("events: ", "[")]
    [InlineData("events: ", "{")]
    [InlineData("events: ", "{a: ")]
    [InlineData("events:\n  ", "- ")]
    [InlineData("", "? ")]
    public void Load_AbsurdNesting_IsAnErrorAndNoCrash(string before, string nested)
    {
        var deep = string.Concat(Enumerable.Repeat(nested, 100_000));
        Assert.Contains(
            "nested more than 24 deep", Assert.Throws<InvalidPipelineException>(() => Load(before + deep)).Message,
            StringComparison.Ordinal);
        Assert.Throws<InvalidPipelineException>(() => Load(Good(""), "events=" + deep));
    }

    [Theory]
    [InlineData("events: &a {threshold: 0.5}")]
    [InlineData("events: {labels: &a [*a]}")]
    [InlineData("? &b [*b]")]
    [InlineData("? &b {*b : 1}")]
    [InlineData("--- {}\n--- {}")]
    public void Load_AnchorsAliasesAndSecondDocuments_AreRefused(string yaml)
    {
        Assert.Matches(
            "anchors and aliases can't be used|a second YAML document", Assert.Throws<InvalidPipelineException>(() => Load(yaml)).Message);
        if (!yaml.StartsWith('-'))
            Assert.Contains(
                "not valid YAML", Assert.Throws<InvalidPipelineException>(() => Load(Good(""), "events=&a {b: *a}")).Message,
                StringComparison.Ordinal);
    }

    [Fact]
    public void Load_FilesThatAreNoDefinitions_SaySo()
    {
        Assert.Contains("is not text; expected a pipeline definition in YAML. For sound: ", Assert.Throws<InvalidPipelineException>(
            () => Pipeline.Load("/dev/zero", [], Host())).Message, StringComparison.Ordinal);
        Assert.Throws<InvalidPipelineException>(() => Pipeline.Load("", [], Host()));
        Assert.Contains(
            "is a folder", Assert.Throws<InvalidPipelineException>(() => Pipeline.Load(_folder, [], Host())).Message,
            StringComparison.Ordinal);
        var path = Path.Combine(_folder, "latin1.yaml");
        File.WriteAllBytes(path, [(byte)'a', (byte)':', (byte)' ', 0xE9]);
        Assert.Contains(
            "not valid UTF-8", Assert.Throws<InvalidPipelineException>(() => Pipeline.Load(path, [], Host())).Message,
            StringComparison.Ordinal);
        File.WriteAllText(path, new string(' ', (16 << 20) + 1));
        Assert.Contains(
            "over 16777216 bytes", Assert.Throws<InvalidPipelineException>(() => Pipeline.Load(path, [], Host())).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Load_SinkOnALinkToASource_IsRefused()
    {
        File.WriteAllText(Path.Combine(_folder, "x.wav"), "");
        File.CreateSymbolicLink(Path.Combine(_folder, "link.jsonl"), "x.wav");
        File.CreateSymbolicLink(Path.Combine(_folder, "link.wav"), "x.wav");

        foreach (var (source, sink) in ((string, string)[])[("x.wav", "link.jsonl"), ("link.wav", "x.wav")])
        {
            var e = Assert.Throws<InvalidPipelineException>(
                () => Load($"sources: {{a: {{type: file, path: {source}}}}}\nsinks: {{c: {{type: jsonl, path: {sink}}}}}"));
            Assert.Contains("x.wav, which source 'a' reads", e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Load_ThousandsOfComponents_IsAnErrorAtOnce()
    {
        var chain = string.Concat(Enumerable.Range(0, 20_000).Select(i => $"  t{i}: {{type: gain, inputs: t{i + 1}}}\n"));
        Assert.Contains(
            "more than 256 entries", Assert.Throws<InvalidPipelineException>(() => Load("transforms:\n" + chain + Good(""))).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void Load_FiveThousandSources_AreTaken()
    {
        var sources = string.Concat(Enumerable.Range(0, 5000).Select(i => $"  s{i}: {{type: file, path: x{i}.wav}}\n"));

        using var pipeline = Load($"sources:\n{sources}sinks:\n  c: {{type: console}}\n");

        Assert.Equal(5000, pipeline.SourceCount);
    }

    [Fact]
    public void Load_PrioritiesAndScores_AreThoseOfTheDefinition()
    {
        using var pipeline = Load("sources:\n  a: {type: file, path: x.wav, priority: 3}\n  b: {type: file, path: y.wav}\nsinks:\n  c: "
            + "{type: console, min_score: 0.65}");

        Assert.Equal([("a", 3), ("b", 0)], pipeline.Definition.Sources.Select(s => (s.Name, s.Priority)));
        Assert.Equal(0.65, pipeline.Definition.Sinks.Single().Options.MinScore);
    }

    [Theory]
    [InlineData("smoothing: 0s", 1)]
    [InlineData("smoothing: 1s", 1)]
    [InlineData("smoothing: 1900ms", 1)]
    [InlineData("smoothing: 2s", 3)]
    [InlineData("smoothing: 3s", 3)]
    [InlineData("smoothing: 99s", 99)]
    [InlineData("median_windows: 5", 5)]
    [InlineData("threshold: 0.5", 1)]
    public void Load_Smoothing_IsTheNearestOddNumberOfHops(string events, int expected)
    {
        using var pipeline = Load(Good($"model: {{hop: 1s}}\nevents: {{{events}}}"));

        Assert.Equal(expected, pipeline.Models[0].Events.MedianWindows);
    }

    [Fact]
    public void Load_Overrides_ReplaceAndAddValues()
    {
        using var pipeline = Load(Good("events: {threshold: 0.9}"), "events.threshold=0.1", "model.hop=500ms", "sources.a.path=other.wav");

        using var report = new RunReport();
        var text = pipeline.Build(report, CancellationToken.None).Graph.ToText();
        Assert.Contains("other.wav", text, StringComparison.Ordinal);
        Assert.Contains("every 0.5 s", text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("", "", 0.5, 0.25, 0.5)] // the model's own, and 0.5 for a label that it says nothing of
    [InlineData("", "events: {threshold: 0.9}", 0.9, 0.9, 0.9)]
    [InlineData("", "events: {thresholds: {class 4: 0.7}}", 0.5, 0.25, 0.7)]
    [InlineData("", "events: {threshold: 0.9, thresholds: {class 3: 0.1}}", 0.9, 0.1, 0.9)]
    [InlineData("function_to_apply: sigmoid", "", 0.5, 0.5, 0.5)] // other scores than those that they are for
    public void Load_ModelWithThresholds_AreTheDefaults(string model, string events, float first, float third, float fourth)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, "model")).FullName;
        foreach (var file in Directory.GetFiles(s_model))
            File.Copy(file, Path.Combine(folder, Path.GetFileName(file)));
        File.WriteAllText(Path.Combine(folder, "thresholds.json"), """{"thresholds": {"class 3": 0.25}}""");

        using var pipeline = Load(Good($"model: {{path: {folder}, {model}}}\n{events}"));

        var options = pipeline.Models[0].Events;
        Assert.Equal([first, third, fourth], new[] { options.Thresholds[0], options.Thresholds[3], options.Thresholds[4] });
        Assert.Equal(0.8f * third, options.ReleaseThresholds[3], 1e-6f);
    }

    [Theory]
    [InlineData("events.threshold", "--set events.threshold: expected key=value")]
    [InlineData("events.tresold=1", "--set events.tresold=1: unknown key 'events.tresold'; did you mean 'threshold'?")]
    [InlineData("events.threshold=x", "--set events.threshold=x: events.threshold: found 'x'")]
    [InlineData("sources.a.path.b=1", "leads through a value that is no mapping")]
    [InlineData("model.hop=[", "the value is not valid YAML")]
    [InlineData("sources.b.type=file", "--set sources.b.type=file: sources.b: key 'path' is missing")]
    public void Load_BadOverride_NamesTheArgument(string setting, string message) =>
        Assert.Contains(message, Assert.Throws<InvalidPipelineException>(() => Load(Good(""), setting)).Message, StringComparison.Ordinal);

    [Fact]
    public void Graph_Pictures_ShowEveryNodeAndEdge()
    {
        using var pipeline = Load(
            "sources:\n  a: {type: stdin}\n  b: {type: file, path: x.wav}\ntransforms:\n  louder: {type: gain, inputs: b, db: 6}\nlanes: "
                + "2\nsinks:\n  c: {type: console, format: lines}\n  d: {type: jsonl, path: d.jsonl}");
        using var report = new RunReport();
        var graph = pipeline.Build(report, CancellationToken.None).Graph;

        Assert.Equal(["a", "b", "lane 1", "lane 2", "model", "events", "tee", "c", "d"], graph.Nodes.Select(n => n.Name));
        Assert.Equal(
            ["a, b→lane 1 AudioBlock", "a, b→lane 2 AudioBlock", "lane 1, lane 2→model FeatureWindow", "model→events ScoreFrame",
                "events→tee StreamRecord", "tee→c StreamRecord", "tee→d StreamRecord"],
            graph.Edges.Select(e => $"{e.From}→{e.To} {e.Message}"));
        Assert.Equal(9, NodeLine().Count(graph.ToMermaid()));
        Assert.Contains("-->|StreamRecord|", graph.ToMermaid(), StringComparison.Ordinal);
        Assert.Contains("gain of 6 dB", graph.ToText(), StringComparison.Ordinal);
    }

    [Fact]
    public void Reference_CommittedPage_IsWhatTheKeysSay()
    {
        var committed = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "docs", "pipelines.md"));

        Assert.Equal(PipelineReference.Generate(WorkerCatalog.All), committed);
    }

    [Fact]
    public void Schema_CommittedFile_IsWhatTheKeysSay()
    {
        var committed = File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "pipelines", "pipeline.schema.json"));

        Assert.Equal(PipelineSchema.Generate(WorkerCatalog.All), committed);
    }

    private static string Good(string more) => $"sources:\n  a: {{type: file, path: x.wav}}\nsinks:\n  c: {{type: console}}\n{more}\n";

    private static PipelineHost Host() => new() { Catalog = WorkerCatalog.All, DefaultModel = s_model };

    private Pipeline Load(string yaml, params string[] overrides)
    {
        var path = Path.Combine(_folder, "pipeline.yaml");
        File.WriteAllText(path, yaml);
        return Pipeline.Load(path, overrides, Host());
    }

    [GeneratedRegex(@"^(.*pipeline\.yaml:\d+:\d+: |--set )")]
    private static partial Regex Located();

    [GeneratedRegex(@"^    n\d+\[", RegexOptions.Multiline)]
    private static partial Regex NodeLine();
}
