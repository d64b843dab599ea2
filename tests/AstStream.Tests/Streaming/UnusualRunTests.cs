using AstStream.Events;
using AstStream.Events.Unusual;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Pipelines;
using AstStream.Streaming.Telemetry;
using AstStream.Tests.Dsp;
using AstStream.Tests.Shared;

namespace AstStream.Tests.Streaming;

/// <summary>Runs that find what is unusual of a stream.</summary>
public sealed class UnusualRunTests : IDisposable
{
    private const int Hour = 3600;

    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;
    private readonly MemorySink _sink = new();
    private readonly MemoryLog _log = new();
    private readonly string _model;
    private DateTimeOffset _start = new(2026, 5, 1, 9, 0, 0, TimeSpan.Zero);

    public UnusualRunTests() => _model = SmallModel.Make(_folder, "model", 0);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Run_HoursOfOneSoundThenAnother_IsAnEventAlsoOverRestartsAndChanges()
    {
        // What is learnt in one run, the next one knows.
        await RunAsync(async (source, _) => await PushAsync(source, (2 * Hour) + 1800, 0));
        Assert.InRange(Unusual.Count, 0, 2); // an hour is little to know a rate by
        _sink.Records.Clear();
        var state = Assert.Single(Directory.GetFiles(Path.Combine(_folder, "usual"), "*.usual"));
        await RunAsync(async (source, run) =>
        {
            await PushAsync(source, Hour, 1);
            Write("{data: usual, learn: 1h, rate: 0.2}");
            Assert.Equal("model", await run.ReloadAsync([], CancellationToken.None));
            await PushAsync(source, 60, 2, isOther: true);
            await PushAsync(source, 300, 3);
        });

        List<SoundEvent> found = [.. Unusual.Where(e => e.Onset >= Hour - 3)];
        Assert.InRange(Unusual.Count - found.Count, 0, 2);
        Assert.Equal([EventState.Opened, EventState.Closed], found.Select(e => e.State));
        Assert.InRange(found[0].Onset, Hour - 3, Hour + 10);
        Assert.InRange(found[1].Offset, Hour + 50, Hour + 65);
        Assert.InRange(found[1].Score, 0.5, 1);
        Assert.Equal((0, 48), (found[0].Embedding.Length, found[1].Embedding.Length));

        // A file that is damaged is said, and another one begun.
        _sink.Records.Clear();
        var bytes = await File.ReadAllBytesAsync(state);
        await File.WriteAllBytesAsync(state, bytes[..(bytes.Length / 2)]);
        await RunAsync(async (source, _) => await PushAsync(source, 60, 5, isOther: true));
        Assert.Contains(_log.Lines, l => l.Contains("is damaged", StringComparison.Ordinal));
        Assert.Empty(Unusual);
    }

    [Theory]
    [InlineData("{data: usual, rate: 0}", "events.unusual.rate")]
    [InlineData("{rate: 2}", "key 'data' is missing")]
    [InlineData("{data: usual, learn: 1m}", "events.unusual.learn")]
    [InlineData("{data: usual, stream: [a]}", "did you mean 'streams'")]
    public void Load_WrongSettings_SaysWhatIsExpected(string unusual, string message)
    {
        Write(unusual);

        var e = Assert.Throws<InvalidPipelineException>(() => Load());

        Assert.Contains(message, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Load_SinkThatWantsTheLabel_NeedsTheSection()
    {
        Write("{data: usual}", "labels: [Unusual]");
        using (var pipeline = Load())
        {
            Assert.Equal([UnusualDecoder.Label], pipeline.VocabularyOf("model")!.Under([UnusualDecoder.Label]));
            Assert.DoesNotContain(UnusualDecoder.Label, pipeline.VocabularyOf("model")!.Labels);
        }

        Write(null, "labels: [Unusual]");

        Assert.Contains(
            "no model has the label 'Unusual'", Assert.Throws<InvalidPipelineException>(() => Load()).Message, StringComparison.Ordinal);
    }

    private List<SoundEvent> Unusual => [.. _sink.Records.OfType<SoundEvent>().Where(e => e.Label == UnusualDecoder.Label)];

    private static async Task PushAsync(PushSource source, int seconds, int seed, bool isOther = false)
    {
        // Noise that is one of four kinds of louder and softer, ten seconds each; or a tone.
        for (var at = 0; at < seconds; at += 10)
        {
            var sound = OnlineFbankTests.Noise(160_000, (at / 10 * 7) + seed);
            for (var i = 0; i < sound.Length; i++)
                sound[i] = isOther ? (float)Math.Sin(i * 0.6) * 0.5f : sound[i] * 0.02f * (1 + (at / 10 % 4));
            await source.PushAsync(sound, 16_000);
        }
    }

    private async Task RunAsync(Func<PushSource, PipelineRun, Task> push)
    {
        Write("{data: usual, learn: 1h, rate: 0.1}");
        var begun = new TaskCompletionSource<PushSource>();
        using var report = new RunReport(_log);
        using var pipeline = Load((_, source) => begun.TrySetResult(source));
        var run = pipeline.Build(report, CancellationToken.None);
        var running = run.RunAsync(CancellationToken.None);
        var source = await begun.Task.WaitAsync(TimeSpan.FromSeconds(60));
        await push(source, run);
        source.End();
        await running;
        _start = _start.AddHours(5);
    }

    private Pipeline Load(Action<string, PushSource>? begins = null) => Pipeline.Load(
        Path.Combine(_folder, "p.yaml"), [], new PipelineHost
        {
            Catalog = new ComponentCatalog
            {
                Sources = [new SourceType("s", "s", [], _ => new MadeSource(() => new PushSource(
                    isLive: false, begins ?? ((_, _) => { }), startTime: _start)))],
                Sinks = [new SinkType("m", "m", [], (_, _) => new MadeSink(() => _sink))],
            },
            DefaultModel = "none",
        });

    private void Write(string? unusual, string sink = "") => File.WriteAllText(
        Path.Combine(_folder, "p.yaml"),
        $"model: {{path: {_model}, hop: 2500ms}}\n"
            + $"events: {{threshold: 0.9, timing: window{(unusual is null ? "" : $", unusual: {unusual}")}}}\n"
            + $"sources: {{s: {{type: s}}}}\nsinks: {{m: {{type: m{(sink.Length > 0 ? $", {sink}" : "")}}}}}");
}
