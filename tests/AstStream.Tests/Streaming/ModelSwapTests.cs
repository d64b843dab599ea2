using System.Collections.Concurrent;
using AstStream.Events;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Pipelines;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Telemetry;
using AstStream.Tests.Dsp;
using AstStream.Tests.Shared;

namespace AstStream.Tests.Streaming;

/// <summary>
/// Models that take each other's place while streams run. Runs alone, as it counts pooled objects.
/// </summary>
[Collection(nameof(AllocationTests))]
public sealed class ModelSwapTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;
    private readonly RunReport _report = new();
    private readonly ConcurrentDictionary<string, TaskCompletionSource<PushSource>> _sources = [];
    private readonly ConcurrentDictionary<string, WindowWatcher> _watchers = [];
    private readonly MemorySink _sink = new();
    private readonly MemorySink _shadowSink = new();
    private readonly CountingDelivery _delivery = new();

    public void Dispose()
    {
        _report.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("segment")]
    [InlineData("window")]
    public async Task ReloadAsync_OtherWeightsAgainAndAgain_EveryWindowIsScoredOnceByTheOneOrTheOther(string timing)
    {
        var pooled = PoolCounters.Outstanding;
        var (before, after) = (Model("before", 0), Model("after", 1));
        string Yaml(string path) => $"model: {{path: {path}, hop: 500ms}}\nevents: {{timing: {timing}, threshold: 0.02, max_duration: 3s}}";
        async Task RunAsync(bool swaps)
        {
            var (run, running) = Start(Yaml(before));
            var random = new Random(3);
            for (var turn = 0; turn < 9; turn++)
            {
                await PushAsync(random);
                if (swaps && turn < 8)
                    Assert.Equal("model", await ReloadAsync(run, Yaml(turn % 2 == 0 ? after : before)));
            }

            await EndAsync(running);
        }

        await RunAsync(swaps: false);
        var undisturbed = _watchers.ToDictionary(w => w.Key, w => w.Value.Windows);
        _sink.Records.Clear();
        _sources.Clear();
        _delivery.Begin();
        await RunAsync(swaps: true);

        foreach (var (name, _, _) in s_streams)
        {
            Assert.True(undisturbed[name].Count > 40);
            Assert.Equal(undisturbed[name], _watchers[name].Windows);
            Assert.Equal(9, Hashes(name).Count); // it goes to and fro
        }

        CheckRecords(mostEnds: 1);
        Assert.Equal(pooled, PoolCounters.Outstanding);
        Assert.Single(_report.Sessions); // those of before are gone
    }

    [Fact]
    public async Task ReloadAsync_AnyOtherWindowsHopsAndTimings_LedgersHaveNoSeam()
    {
        var path = Model("one", 0);
        var random = new Random(11);
        string[] windows = ["640ms", "1s", "2560ms"];
        string[] timings = ["timing: contains", "timing: segment", "confirm: none"];
        string Yaml() => $"model: {{path: {path}, window: {windows[random.Next(3)]}, "
            + $"hop: {10 * random.Next(5, 64)}ms, gate: {(random.Next(2) == 0 ? "true" : "false")}}}\nevents: {{threshold: 0.02, "
            + $"{timings[random.Next(3)]}}}";
        var (run, running) = Start(Yaml());
        for (var turn = 0; turn < 25; turn++)
        {
            await PushAsync(random);
            await ReloadAsync(run, Yaml());
        }

        await EndAsync(running);

        CheckRecords(mostEnds: 25);
    }

    [Fact]
    public async Task RunAsync_ShadowOfTheSameWeights_WouldReportTheSameAndIsPublishedNowhere()
    {
        var path = Model("before", 0);
        var (_, running) = Start($"model: {{path: {path}, hop: 500ms, shadow: {Model("same", 0)}}}\nevents: {{threshold: 0.02}}");
        for (var turn = 0; turn < 3; turn++)
            await PushAsync(new Random(turn));
        await EndAsync(running);

        CheckRecords(mostEnds: 0);
        Assert.All(_sink.Records, r => Assert.Null(r.ShadowOf));
        var shadows = _shadowSink.Records.Where(r => r.ShadowOf is not null).ToList();
        Assert.All(shadows, r => Assert.Equal("model.shadow", r.Model));
        Assert.Equal(Texts(_sink.Records), Texts(shadows));
        Assert.True(_report.CoverageByModel.ContainsKey("model") && _report.CoverageByModel.Count == 1);
        Assert.Equal(
            _sink.Records.OfType<SoundEvent>().Count(e => e.State == EventState.Closed), _report.Events.Sum(e => e.Value));
    }

    [Fact]
    public async Task ReloadAsync_ShadowThatBeginsIsPromotedAndEnds_DisturbsNothing()
    {
        var pooled = PoolCounters.Outstanding;
        var (before, after) = (Model("before", 0), Model("after", 1));
        string Yaml(string model, string? shadow) =>
            $"model: {{path: {model}, hop: 500ms{(shadow is null ? "" : $", shadow: {shadow}")}}}\nevents: {{threshold: 0.02}}";
        var (run, running) = Start(Yaml(before, null));
        (string Changes, string Yaml)[] steps = [
            ("shadow of model added", Yaml(before, after)), ("model, shadow of model changed", Yaml(after, before)),
            ("model, shadow of model changed", Yaml(before, after)), ("shadow of model removed", Yaml(before, null)),
            ("shadow of model added", Yaml(before, after)), ("model, shadow of model removed", Yaml(after, null))];
        foreach (var (changes, yaml) in steps)
        {
            await PushAsync(new Random(changes.Length));
            Assert.Equal(changes, await ReloadAsync(run, yaml));
        }

        await PushAsync(new Random(1));
        await EndAsync(running);

        CheckRecords(mostEnds: 3);
        Assert.All(s_streams, s => Assert.Equal(4, Hashes(s.Name).Count));
        foreach (var (name, _, _) in s_streams)
        {
            // Each shadow's time joins, and begins where it was added.
            var coverage = _shadowSink.Records.OfType<CoverageInterval>()
                .Where(c => c.ShadowOf is not null && c.Stream.Id == name).ToList();
            List<(CoverageInterval First, CoverageInterval Second)> pairs = [.. coverage.Zip(coverage.Skip(1))];
            Assert.Equal(3, pairs.Count(c => c.First.ModelHash != c.Second.ModelHash || c.First.End != c.Second.Start));
            Assert.All(pairs, c => Assert.True(c.First.End <= c.Second.Start));
            Assert.True(coverage[0].Start > 0);
        }

        Assert.Equal(pooled, PoolCounters.Outstanding);
        Assert.Single(_report.Sessions);
    }

    [Theory]
    [InlineData("model: {path: nowhere}", "nowhere")]
    [InlineData("model: {path: broken}", "broken")]
    [InlineData("model: {path: after, providers: cuda}", "cuda")]
    [InlineData("model: {path: before, hop: 500ms, shadow: nowhere}", "model.shadow")]
    [InlineData("model: {path: after, hop: 500ms, shadow: broken}", "broken")]
    [InlineData("model: {path: after, shadow: ./after}", "model.shadow: is the model itself")]
    [InlineData("model: {ensemble: [after, before], shadow: after}", "model.shadow: stands beside 'ensemble'")]
    public async Task ReloadAsync_ModelThatCannotBeHad_IsRefusedAndTheFormerOneGoesOn(string edit, string said)
    {
        Model("after", 1);
        File.WriteAllBytes(Path.Combine(Model("broken", 2), "model.safetensors"), new byte[100]);
        var yaml = $"model: {{path: {Model("before", 0)}, hop: 500ms}}\nevents: {{threshold: 0.02}}";
        var (run, running) = Start(yaml);
        await PushAsync(new Random(1));

        var e = await Assert.ThrowsAnyAsync<Exception>(() => ReloadAsync(run, edit));

        Assert.Contains(said, e.Message, StringComparison.Ordinal);
        await PushAsync(new Random(2));
        Assert.Equal("model", await ReloadAsync(run, "model: {path: after, hop: 500ms}\nevents: {threshold: 0.02}"));
        await PushAsync(new Random(3));
        await EndAsync(running);
        Assert.All(s_streams, s => Assert.Equal(2, Hashes(s.Name).Count));
        CheckRecords(mostEnds: 1);
    }

    [Fact]
    public async Task ReloadAsync_RunThatEndsMeanwhile_EndsWell()
    {
        var (run, running) = Start($"model: {{path: {Model("before", 0)}}}\nevents: {{threshold: 0.02}}");
        await PushAsync(new Random(1));
        var reloading = ReloadAsync(run, $"model: {{path: {Model("after", 1)}}}\nevents: {{threshold: 0.02}}");

        await EndAsync(running);

        await Task.WhenAny(reloading, Task.Delay(s_patience));
        Assert.True(reloading.IsCompleted);
        CheckRecords(mostEnds: 1);
    }

    private static readonly (string Name, bool IsLive, int Rate)[] s_streams =
        [("patient", false, 16_000), ("live", true, 16_000), ("other", false, 48_000)];

    /// <summary>What every stream's records say, however it went.</summary>
    private void CheckRecords(int mostEnds)
    {
        foreach (var (name, _, _) in s_streams)
        {
            var records = _sink.Records.Where(r => r.Stream.Id == name).ToList();
            var coverage = records.OfType<CoverageInterval>().ToList();
            Assert.Equal(0, coverage[0].Start);
            Assert.All(coverage.Zip(coverage.Skip(1)), c => Assert.Equal(c.First.End, c.Second.Start));
            Assert.All(coverage, c => Assert.NotNull(c.ModelHash));
            Assert.All(coverage, c => Assert.NotEqual(LossReason.Fault, c.Reason));
            Assert.DoesNotContain(
                coverage, c => c.State == CoverageState.Lost && c.Reason is not (LossReason.Gap or LossReason.TooShort));

            // What opens closes, by the one that opened it; one time has a label once.
            var events = records.OfType<SoundEvent>().ToList();
            Assert.NotEmpty(events);
            Assert.All(events.GroupBy(e => e.Id), e => Assert.Equal(
                [EventState.Opened, EventState.Closed], e.Select(s => s.State)));
            Assert.All(events.GroupBy(e => e.Id), e => Assert.Single(e.Select(s => s.HeardBy?.Hash).Distinct()));
            foreach (var label in events.Where(e => e.State == EventState.Closed).GroupBy(e => e.Label))
            {
                var closed = label.OrderBy(e => e.Onset).ToList();
                Assert.All(closed.Zip(closed.Skip(1)), e => Assert.True(
                    e.First.Offset <= e.Second.Onset + 1e-6 || e.First.HeardBy?.Hash == e.Second.HeardBy?.Hash, $"{e}"));
            }
        }

        Assert.Empty(_report.Errors);
        Assert.True(_delivery.IsOver);
        Assert.InRange(_delivery.Hashes, 1, mostEnds + 1);
    }

    /// <summary>What records say but for whose they are.</summary>
    private static List<string> Texts(IEnumerable<StreamRecord> records) => [.. records
        .Select(r => r is SoundEvent e
            ? $"{e.Stream.Id} {e.State} {e.Label} {e.Onset} {e.Offset} {e.Score}"
            : r is CoverageInterval c ? $"{c.Stream.Id} {c.State} {c.Reason} {c.Start} {c.End} {c.EffectiveHop}" : $"{r}")
        .Order(StringComparer.Ordinal)];

    /// <summary>The models that coverage names, one after the other.</summary>
    private List<string?> Hashes(string stream)
    {
        var hashes = new List<string?>();
        foreach (var record in _sink.Records.OfType<CoverageInterval>().Where(r => r.Stream.Id == stream))
        {
            if (hashes.Count == 0 || hashes[^1] != record.ModelHash)
                hashes.Add(record.ModelHash);
        }

        return hashes;
    }

    /// <summary>Some seconds of soft noise with bursts in every stream, now and then with a gap.</summary>
    private async Task PushAsync(Random random)
    {
        foreach (var (name, _, rate) in s_streams)
        {
            var source = await _sources.GetOrAdd(name, _ => new TaskCompletionSource<PushSource>()).Task.WaitAsync(s_patience);
            var sound = OnlineFbankTests.Noise((int)(rate * (3 + (3 * random.NextDouble()))), random.Next());
            for (var at = 0; at < sound.Length;)
            {
                var quiet = sound.AsSpan(at, Math.Min(sound.Length - at, random.Next(1, 3 * rate / 2)));
                foreach (ref var sample in quiet)
                    sample *= 0.01f;
                at += quiet.Length + random.Next(1, rate / 2);
            }

            await source.PushAsync(sound, random.Next(1, 5000));
            if (name == "other" && random.Next(4) == 0)
                await source.SkipAsync(random.Next(1, rate));
        }
    }

    private async Task EndAsync(Task running)
    {
        foreach (var source in _sources.Values)
            (await source.Task).End();
        await running.WaitAsync(s_patience);
    }

    /// <summary>A small model; those with other numbers have other weights.</summary>
    private string Model(string name, byte number) => SmallModel.Make(_folder, name, number);

    private (PipelineRun Run, Task Running) Start(string yaml)
    {
        var catalog = new ComponentCatalog
        {
            Sources = [.. s_streams.Select(s => new SourceType(s.Name, "Pushes.", [], _ => new MadeSource(
                () => new PushSource(s.IsLive, Begins, s.Rate, s.Name == "other" ? _delivery : null))))],
            Sinks = [new SinkType("memory", "Keeps.", [], (_, _) => new MadeSink(() => _sink))],
        };
        Write(yaml);
        var pipeline = Pipeline.Load(Path.Combine(_folder, "p.yaml"), [], new PipelineHost { Catalog = catalog, DefaultModel = "none" });
        pipeline.AddSink("station", _shadowSink, new SinkOptions { Coverage = true, Shadows = true });
        pipeline.Observe = stream => _watchers[stream.Id] = new WindowWatcher();
        var run = pipeline.Build(_report, CancellationToken.None);
        return (run, FinishAsync());

        async Task FinishAsync()
        {
            using (pipeline)
                await run.RunAsync(CancellationToken.None);
        }
    }

    private void Begins(string name, PushSource source) =>
        _sources.GetOrAdd(name, _ => new TaskCompletionSource<PushSource>()).TrySetResult(source);

    private void Write(string yaml) => File.WriteAllText(
        Path.Combine(_folder, "p.yaml"),
        $"sources: {{{string.Join(", ", s_streams.Select(s => $"{s.Name}: {{type: {s.Name}}}"))}}}\nlanes: 2\n{yaml}\n"
            + "sinks: {out: {type: memory, records: [events, coverage]}}");

    private async Task<string> ReloadAsync(PipelineRun run, string yaml)
    {
        Write(yaml);
        return await run.ReloadAsync([], CancellationToken.None).WaitAsync(s_patience);
    }
}
