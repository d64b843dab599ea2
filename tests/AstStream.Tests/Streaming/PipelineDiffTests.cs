using AstStream.Streaming.Definitions;
using AstStream.Worker;
using FsCheck;
using FsCheck.Xunit;

namespace AstStream.Tests.Streaming;

/// <summary>What another definition changes of a running one.</summary>
public sealed class PipelineDiffTests : IDisposable
{
    private const string Base = "sources: {a: {type: file, path: x.wav}}\nsinks: {log: {type: jsonl, path: out.jsonl}}\n";
    private const string Kafka = "sources: {in: {type: kafka, bootstrap_servers: one:9092, topics: audio}}\nsinks:\n"
        + "  log: {type: jsonl, path: out.jsonl}\n";

    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [InlineData(Base, Base)]
    [InlineData(Base, "# said in another way\nsinks:\n  log:\n    path: out.jsonl # the log\n    type: jsonl\nsources:\n  a: {path: "
        + "[x.wav], pace: fast, type: file, priority: 0, channel: mix}\n")]
    [InlineData(
        Base + "model: {hop: 1s}\nevents: {threshold: 0.5}", Base + "events: {threshold: 0.50}\nmodel: {hop: 1000ms, gate: false}")]
    public void Between_DefinitionsThatSayTheSame_ChangesNothing(string running, string next)
    {
        var diff = Between(running, next);

        Assert.Equal("", diff.ToString());
        Assert.Empty(diff.Conflicts);
    }

    [Theory]
    [InlineData("sources: {a: {type: file, path: y.wav}}\nsinks: {log: {type: jsonl, path: out.jsonl}}", "source a changed")]
    [InlineData("sources: {a: {type: file, path: x.wav, gain: 3}}\nsinks: {log: {type: jsonl, path: out.jsonl}}", "source a changed")]
    [InlineData(
        "sources: {a: {type: file, path: x.wav}}\ntransforms: {t: {type: gain, inputs: a, db: 3}}\nsinks: {log: {type: jsonl, path: "
            + "out.jsonl}}", "source a changed")]
    [InlineData(
        "sources: {b: {type: file, path: x.wav}}\nsinks: {log: {type: jsonl, path: out.jsonl}}", "source a removed, source b added")]
    [InlineData("sources: {a: {type: file, path: x.wav}}\nsinks: {log: {type: jsonl, path: out.jsonl, keep: 3}, c: {type: console}}",
        "sink log changed, sink c added")]
    [InlineData(Base + "events: {threshold: 0.4}", "events")]
    [InlineData(Base + "model: {hop: 1s}", "model")]
    [InlineData(Base + "model: {hop: 1s}\nevents: {threshold: 0.4}", "model")]
    [InlineData(Base + "events: {timing: contains}", "model")]
    [InlineData(Base + "events: {confirm: none}", "model")]
    public void Between_AnotherSourceSinkOrThreshold_IsAChangeOfThatAlone(string next, string changes)
    {
        var diff = Between(Base, next);

        Assert.Equal(changes, diff.ToString());
        Assert.Empty(diff.Conflicts);
    }

    [Theory]
    [InlineData(Base, Base + "models: {a2: {hop: 1s}}", "3:14: models.a2: models can't be added while it runs")]
    [InlineData(Base, Base + "lanes: 7", "models and lanes can't be added or removed while it runs")]
    [InlineData(Base, Base + "models: {model2: {}}", "models and lanes can't be added or removed while it runs")]
    [InlineData("sources: {a: {type: stdin}}\nsinks: {c: {type: console}}", "sources: {b: {type: stdin}}\nsinks: {c: {type: console}}",
        "sources.b: can't take over while it runs what another one is reading")]
    [InlineData("sources: {a: {type: stdin}}\nsinks: {c: {type: console}}",
        "sources: {a: {type: stdin}}\nsinks:\n  c: {type: console}\n  k: {type: kafka, bootstrap_servers: 'one:9092', topic: t, records: "
            + "audio}", "4:6: sinks.k: takes audio, as no sink did when the run began")]
    public void Between_WhatOnlyARestartCanChange_IsAConflictWithItsPlace(string running, string next, string message) =>
        Assert.Contains(Between(running, next).Conflicts, c => c.ToString().Contains(message, StringComparison.Ordinal));

    [Fact]
    public void Between_SecretThatHasChangedInItsFile_ChangesWhoUsesIt()
    {
        File.WriteAllText(Path.Combine(_folder, "name"), "x.wav");
        var running = Read("sources: {a: {type: file, path: '${file:name}'}}\nsinks: {c: {type: console}}");
        File.WriteAllText(Path.Combine(_folder, "name"), "y.wav");

        var next = Read("sources: {a: {type: file, path: '${file:name}'}}\nsinks: {c: {type: console}}");

        Assert.Equal("source a changed", PipelineDiff.Between(running, next).ToString());
        Assert.DoesNotContain("wav", next.Sources[0].Fingerprint, StringComparison.Ordinal);
    }

    [Fact]
    public void Between_EventsAndInputsOfOneOfSeveralModels_AreNoChangeOfTheModel()
    {
        const string sources = "sources: {a: {type: file, path: x.wav}, b: {type: file, path: y.wav}}\nsinks: {c: {type: console}}\n"
            + "models:\n";
        var diff = Between(
            sources + "  one: {inputs: [a, b], events: {threshold: 0.5}}\n  two: {inputs: [a, b]}",
            sources + "  one: {inputs: [a, b], events: {threshold: 0.6}}\n  two: {inputs: [a]}");

        Assert.Empty(diff.Conflicts);
        Assert.Equal("events of one, source b changed", diff.ToString()); // one model fewer hears it
    }

    [Theory]
    [InlineData("", "  k: {type: kafka, bootstrap_servers: one:9092, topic: events}", "sink k added, source in changed")]
    [InlineData("  k: {type: kafka, bootstrap_servers: one:9092, topic: events}",
        "  k: {type: kafka, bootstrap_servers: two:9092, topic: events}", "sink k changed, source in changed")]
    [InlineData("  k: {type: kafka, bootstrap_servers: one:9092, topic: events}",
        "  k: {type: kafka, bootstrap_servers: one:9092, topic: others}", "sink k changed")]
    public void Between_KafkaSinkThatDecidesTheGuarantee_ChangesTheSourceToo(string running, string next, string changes) =>
        Assert.Equal(changes, Between(Kafka + running, Kafka + next).ToString());

    [Property]
    public bool Between_AnyTwo_MakesTheOtherOfTheOne(Dictionary<NonNegativeInt, byte> running, Dictionary<NonNegativeInt, byte> next)
    {
        var (before, after) = (Files(running), Files(next));
        var diff = PipelineDiff.Between(before, after);

        var made = before.Sources.ToDictionary(s => s.Name, s => s.Fingerprint);
        foreach (var change in diff.Sources)
        {
            if (change.After is { } source)
                made[change.Name] = source.Fingerprint;
            else
                made.Remove(change.Name);
        }

        return made.OrderBy(m => m.Key).SequenceEqual(
            after.Sources.ToDictionary(s => s.Name, s => s.Fingerprint).OrderBy(m => m.Key))
            && diff.Sources.All(c => c.Before?.Fingerprint != c.After?.Fingerprint);
    }

    [Theory]
    [InlineData("file, path: x.wav")]
    [InlineData("stdin")]
    [InlineData("microphone")]
    [InlineData("socket, path: s")]
    [InlineData("ffmpeg, url: 'rtsp://camera/1'")]
    [InlineData("kafka, bootstrap_servers: 'one:9092', topics: audio")]
    public void Read_EverySourceType_TakesTheCommonKeys(string type)
    {
        var definition = Read($"sources: {{a: {{type: {type}, channel: mix, gain: 3, priority: 2}}}}\nsinks: {{c: {{type: console}}}}");

        Assert.Equal((2, 3.0), (definition.Sources[0].Priority, definition.Sources[0].Decibels));
        Assert.Equal(
            Read($"sources: {{a: {{type: {type}, gain: 3, priority: 2}}}}\nsinks: {{c: {{type: console}}}}").Sources[0].Fingerprint,
            definition.Sources[0].Fingerprint);
    }

    [Fact]
    public void Read_AnyDefinition_BuildsNothing()
    {
        var catalog = new ComponentCatalog
        {
            Sources = [new SourceType("s", "", [], _ => new MadeSource(() => throw new InvalidOperationException("built")))],
            Sinks = [new SinkType("k", "", [], (_, _) => new MadeSink(() => throw new InvalidOperationException("built")))],
        };

        var definition = Read("sources: {a: {type: s}}\nsinks: {b: {type: k}}", catalog);

        Assert.Equal(["a", "b"], [definition.Sources.Single().Name, definition.Sinks.Single().Name]);
        Assert.Throws<InvalidOperationException>(() => definition.Sources[0].Settings.Build(definition));
    }

    [Theory]
    [InlineData("{type: socket, path: s}", "b: {type: socket, path: ./s}", "sources.b.path: ", "is the socket of source 'a' already")]
    [InlineData("{type: kafka, bootstrap_servers: 'one:1', topics: t, instance: i}",
        "b: {type: kafka, bootstrap_servers: 'one:1', topics: u, instance: i}",
        "sources.b.instance: 'i' of group 'aststream' is source 'a'", "give each its own")]
    public void Read_TwoSourcesOfOneName_IsAProblemOfTheKey(string first, string second, string where, string what)
    {
        var problems = new ConfigProblems();
        Read($"sources:\n  a: {first}\n  {second}\nsinks: {{c: {{type: console}}}}", problems: problems);

        var e = Assert.Throws<InvalidPipelineException>(problems.ThrowIfAny);
        Assert.Contains(where, e.Message, StringComparison.Ordinal);
        Assert.Contains(what, e.Message, StringComparison.Ordinal);
    }

    /// <summary>A definition with a source for each number, which reads one of two files.</summary>
    private PipelineDefinition Files(Dictionary<NonNegativeInt, byte> files) => Read(
        $"sources:\n  all: {{type: file, path: x.wav}}\n{string.Concat(
            files.Select(f => $"  s{f.Key.Get}: {{type: file, path: x{f.Value % 2}.wav}}\n"))}sinks: {{c: {{type: console}}}}");

    private PipelineDiff Between(string running, string next) => PipelineDiff.Between(Read(running), Read(next));

    private PipelineDefinition Read(string yaml, ComponentCatalog? catalog = null, ConfigProblems? problems = null)
    {
        var path = Path.Combine(_folder, "p.yaml");
        File.WriteAllText(path, yaml);
        var found = problems ?? new ConfigProblems();
        var definition = PipelineReader.Read(path, [], catalog ?? WorkerCatalog.All, found);
        if (problems is null)
            found.ThrowIfAny();
        return definition;
    }
}
