using System.Collections.Concurrent;
using AstStream.Events;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Pipelines;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Telemetry;

namespace AstStream.Tests.Streaming;

/// <summary>Definitions that are edited while they run.</summary>
public sealed class ReloadTests : IDisposable
{
    private const string Sources = "sources: {a: {type: push}}";
    private const string Sinks = "sinks: {one: {type: memory, name: one, records: [events, coverage]}}";

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;
    private readonly RunReport _report = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource<PushSource>> _sources = [];
    private readonly Dictionary<string, MemorySink> _sinks = [];

    public void Dispose()
    {
        _report.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task ReloadAsync_ThresholdsSourcesAndSinks_ChangeAndTheStreamThatStaysLosesNothing()
    {
        var (run, running) = Start($"{Sources}\nevents: {{threshold: 1}}\n{Sinks}");
        await (await SourceAsync("a")).PushAsync(3);
        Assert.Equal(
            "events, sink two added, source b added",
            Sorted(await ReloadAsync(
            run, "sources: {a: {type: push}, b: {type: push}}\nevents: {threshold: 0, max_duration: 1s}\n" + Sinks.Replace(
            "}}", "}, two: {type: memory, name: two, records: coverage}}", StringComparison.Ordinal))));
        await (await SourceAsync("b")).PushAsync(2);
        await (await SourceAsync("a")).PushAsync(3);
        Assert.Equal(
            "source b removed",
            await ReloadAsync(
            run, "sources: {a: {type: push}}\nevents: {threshold: 0, max_duration: 1s}\n" + Sinks.Replace(
            "}}", "}, two: {type: memory, name: two, records: coverage}}", StringComparison.Ordinal)));
        Assert.Equal("sink two removed", await ReloadAsync(run, $"{Sources}\nevents: {{threshold: 0, max_duration: 1s}}\n{Sinks}"));
        Assert.Equal("", await ReloadAsync(run, $"# only a comment\n{Sources}\nevents:   {{max_duration: 1s, threshold: 0}}\n{Sinks}"));
        await (await SourceAsync("a")).PushAsync(3);
        (await SourceAsync("a")).End();
        await running.WaitAsync(s_patience);

        // The thresholds of the start let nothing through, those of the edit everything; the ledgers show no seam.
        var one = _sinks["one"].Records;
        Assert.Contains(one.OfType<SoundEvent>(), e => e.State == EventState.Closed && e.Stream.Id == "a");
        Assert.Equal([(0, 9 * 16_000)], one.OfType<CoverageInterval>().Where(c => c.Stream.Id == "a").Select(c => (c.Start, c.End)));
        Assert.Equal([(0, 2 * 16_000)], one.OfType<CoverageInterval>().Where(c => c.Stream.Id == "b").Select(c => (c.Start, c.End)));
        Assert.All(_sinks["two"].Records, r => Assert.IsType<CoverageInterval>(r));
        Assert.True(_sinks["two"].IsClosed);
    }

    [Theory]
    [InlineData("events: {treshold: 0.1}", "unknown key 'events.treshold'")]
    [InlineData("model: {path: nowhere}", "model.path: ")]
    [InlineData("model: {hop: 3s}", "model.hop: longer than the model's window of 2.56 s")]
    [InlineData("events: {thresholds: {Moo: 0.5}}\nmodel: {hop: 500ms}", "the model has no label 'Moo'")]
    [InlineData("lanes: 7", "models and lanes can't be added or removed")]
    public async Task ReloadAsync_DefinitionThatIsWrong_IsRefusedAsAWhole(string edit, string message)
    {
        var (run, running) = Start($"{Sources}\nlanes: 1\n{Sinks}");
        await (await SourceAsync("a")).PushAsync(2);

        var e = await Assert.ThrowsAsync<InvalidPipelineException>(
            () => ReloadAsync(
            run, $"sources: {{b: {{type: "
                + $"push}}}}\n{(edit.StartsWith("lanes", StringComparison.Ordinal) ? "" : "lanes: 1\n")}{edit}\n{Sinks}"));

        Assert.Contains(message, e.Message, StringComparison.Ordinal);
        await (await SourceAsync("a")).PushAsync(2);
        (await SourceAsync("a")).End();
        await running.WaitAsync(s_patience);
        Assert.Equal([(0, 4 * 16_000)], _sinks["one"].Records.OfType<CoverageInterval>().Select(c => (c.Start, c.End)));
    }

    [Fact]
    public async Task ReloadAsync_SinkThatCannotBeOpened_OldOnesGoOnAndMissNothing()
    {
        var (run, running) = Start($"{Sources}\nevents: {{timing: window, threshold: 0, max_duration: 500ms}}\n{Sinks}");
        await (await SourceAsync("a")).PushAsync(3);

        var e = await Assert.ThrowsAsync<SinkException>(
            () => ReloadAsync(
            run, $"{Sources}\nevents: {{timing: window, threshold: 0, max_duration: 500ms}}\nsinks: {{one: {{type: memory, name: other, "
                + $"records: coverage}}, broken: {{type: memory, name: broken}}}}"));

        Assert.Equal("broken: can't be opened", e.Message);
        await (await SourceAsync("a")).PushAsync(3);
        (await SourceAsync("a")).End();
        await running.WaitAsync(s_patience);
        var closed = _sinks["one"].Records.OfType<SoundEvent>().Where(s => s.State == EventState.Closed).GroupBy(s => s.Label);
        Assert.All(closed, label => Assert.Equal(6, label.Sum(s => s.Offset - s.Onset), 1e-6));
        Assert.Equal(closed.Count() * 2, closed.SelectMany(c => c).Count(s => s.Onset == 0) * 2);
    }

    [Fact]
    public async Task ReloadAsync_OnlySourceIsReplaced_RunGoesOn()
    {
        var (run, running) = Start($"{Sources}\n{Sinks}");
        await (await SourceAsync("a")).PushAsync(2);

        Assert.Equal(
            "source a removed, source c added", Sorted(await ReloadAsync(run, $"sources: {{c: {{type: push, live: true}}}}\n{Sinks}")));

        await (await SourceAsync("c")).PushAsync(2);
        (await SourceAsync("c")).End();
        await running.WaitAsync(s_patience);
        Assert.Equal(
            ["a 32000", "c 32000"],
            _sinks["one"].Records.OfType<CoverageInterval>().Select(c => $"{c.Stream.Id} {c.End}").Order(StringComparer.Ordinal));
        await Assert.ThrowsAsync<InvalidOperationException>(() => ReloadAsync(run, $"{Sources}\n{Sinks}"));
    }

    private void Begins(string name, PushSource source) =>
        _sources.GetOrAdd(name, _ => new TaskCompletionSource<PushSource>()).TrySetResult(source);

    /// <summary>A source that runs, once it does.</summary>
    private Task<PushSource> SourceAsync(string name) =>
        _sources.GetOrAdd(name, _ => new TaskCompletionSource<PushSource>()).Task.WaitAsync(s_patience);

    private static string Sorted(string changes) => string.Join(", ", changes.Split(", ").Order(StringComparer.Ordinal));

    private (PipelineRun Run, Task Running) Start(string yaml)
    {
        var name = Keys.Text("name", "Its name.");
        var live = Keys.Flag("live", "Whether it is live.");
        var catalog = new ComponentCatalog
        {
            Sources = [new SourceType("push", "Pushes.", [live], s => new MadeSource(() => new PushSource(s.Get(live), Begins)))],
            Sinks = [new SinkType("memory", "Keeps.", [name], (s, _) => new MadeSink(() => new MemorySink(s.Get(name)!, this)))],
        };
        File.WriteAllText(Path.Combine(_folder, "p.yaml"), yaml);
        var pipeline = Pipeline.Load(
            Path.Combine(_folder, "p.yaml"), [],
            new PipelineHost { Catalog = catalog, DefaultModel = Path.Combine(Reference.Folder, "ast-small-16x16-t256") });
        var run = pipeline.Build(_report, CancellationToken.None);
        return (run, Finish());
        async Task Finish()
        {
            using (pipeline)
                await run.RunAsync(CancellationToken.None);
        }
    }

    private async Task<string> ReloadAsync(PipelineRun run, string yaml)
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "p.yaml"), yaml);
        return await run.ReloadAsync([], CancellationToken.None).WaitAsync(s_patience);
    }

    private sealed class MemorySink(string name, ReloadTests tests) : ISink
    {
        /// <summary>What this one took, after those of its name that it was opened in the place of.</summary>
        public List<StreamRecord> Records { get; private set; } = [];

        public bool IsClosed { get; private set; }

        public string Description => "memory";

        public ValueTask OpenAsync(CancellationToken cancellation)
        {
            if (name == "broken")
                throw new SinkException("broken: can't be opened");
            if (tests._sinks.TryGetValue(name, out var before))
                Records = before.Records;
            tests._sinks[name] = this;
            return ValueTask.CompletedTask;
        }

        public ValueTask WriteAsync(StreamRecord record, CancellationToken cancellation)
        {
            Records.Add(record);
            return ValueTask.CompletedTask;
        }

        public ValueTask FlushAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

        public ValueTask DisposeAsync()
        {
            IsClosed = true;
            return ValueTask.CompletedTask;
        }
    }
}
