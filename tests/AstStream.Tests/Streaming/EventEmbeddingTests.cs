using AstStream.Dsp;
using AstStream.Events;
using AstStream.Events.Decoding;
using AstStream.Events.Unusual;
using AstStream.Learning;
using AstStream.Streaming.Decoding;
using AstStream.Streaming.Definitions;
using AstStream.Streaming.Pipelines;
using AstStream.Streaming.Telemetry;
using AstStream.Tests.Dsp;
using AstStream.Tests.Shared;

namespace AstStream.Tests.Streaming;

/// <summary>Which window stands for an event.</summary>
public sealed class EventEmbeddingTests : IDisposable
{
    private const int Window = 16; // frames
    private static readonly long s_length = FbankOptions.NumSamples(Window);

    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-test-").FullName;
    private readonly EventEmbeddings _embeddings = new();

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Of_EventOfSomeWindows_IsTheOneThatScoredItHighest()
    {
        Add(0, [0.9f, 0.2f], 1);
        Add(s_length, [0.6f, 0.8f], 2);
        Add(2 * s_length, [0.7f, 0.9f], 3);
        Add(3 * s_length, [0.8f, 0], 4);

        Assert.Equal([4], Of(0, s_length, 4 * s_length)); // the first window is before it
        Assert.Equal([3], Of(1, 0, 4 * s_length));
        Assert.Equal([], Of(1, 10 * s_length, 11 * s_length)); // of another time
    }

    [Fact]
    public void Of_WindowAimedAtTheSound_ComesBeforeThoseThatHoldMore()
    {
        Add(0, [0.9f], 1);
        Add(s_length / 2, [0.6f], 2, new ActivityPart(s_length / 2, s_length, ActivityProgress.Over));

        Assert.Equal([2], Of(0, 0, s_length));
    }

    [Fact]
    public void Of_WindowAimedAtAnotherSound_IsNotTakenForIt()
    {
        Add(0, [0.9f, 0.95f], 1);
        Add(s_length / 2, [0.8f, 0.02f], 2, new ActivityPart(s_length / 2, s_length, ActivityProgress.Over));

        Assert.Equal([1], Of(1, 0, s_length));
    }

    [Fact]
    public void Of_UnusualEvent_IsTheMostUnusualWindow()
    {
        Add(0, [0.9f], 1, unusual: 0.51f);
        Add(s_length / 2, [0.9f], 2, new ActivityPart(0, s_length, ActivityProgress.Over));
        Add(s_length, [0.1f], 3, unusual: 0.7f);
        Add(2 * s_length, [0.1f], 4, unusual: 0.6f);

        Assert.Equal([3], Of(UnusualDecoder.Class, 0, 3 * s_length));
    }

    [Fact]
    public void Of_LongEvent_IsTheBestWindowOfAllOfIt()
    {
        Add(0, [0.7f], 1);
        Assert.Equal([], Of(0, 0, s_length, EventState.Opened));
        for (var i = 1; i < 100; i++)
            Add(i * s_length, [i == 30 ? 0.95f : 0.6f], 100 + i);

        Assert.Equal([130], Of(0, 0, 100 * s_length));
        Assert.Equal([198], Of(0, 98 * s_length + 1, 100 * s_length)); // the next one has nothing of it
    }

    [Fact]
    public async Task Run_OneWindow_ItsEventsHaveTheModelsEmbedding()
    {
        var model = SmallModel.Make(_folder, "model", 0);
        var sound = OnlineFbankTests.Noise((int)FbankOptions.NumSamples(256), 5);
        var sink = new MemorySink();
        await File.WriteAllTextAsync(
            Path.Combine(_folder, "p.yaml"),
            $"model: {{path: {model}}}\nevents: {{threshold: 0, timing: window}}\nsources: {{s: {{type: s}}}}\nsinks: {{m: {{type: m}}}}");
        foreach (var embeds in (bool[])[false, true])
        {
            sink.Records.Clear();
            var begun = new TaskCompletionSource<PushSource>();
            using var report = new RunReport();
            using var pipeline = Pipeline.Load(Path.Combine(_folder, "p.yaml"), [], new PipelineHost
            {
                Catalog = new ComponentCatalog
                {
                    Sources = [new SourceType("s", "s", [], _ => new MadeSource(() => new PushSource(
                        isLive: false, (_, source) => begun.SetResult(source))))],
                    Sinks = [new SinkType("m", "m", [], (_, _) => new MadeSink(() => sink))],
                },
                DefaultModel = "none",
            });
            pipeline.Embeds = embeds;
            var running = pipeline.Build(report, CancellationToken.None).RunAsync(CancellationToken.None);
            var source = await begun.Task;
            await source.PushAsync(sound, 4000);
            source.End();
            await running;

            var events = sink.Records.OfType<SoundEvent>().Where(e => e.State == EventState.Closed).ToList();
            using var tagger = AudioTagger.Open(model);
            float[] expected = embeds ? [.. tagger.Embed(sound, 16_000).Select(v => (float)(Half)v)] : [];
            Assert.NotEmpty(events);
            Assert.All(events, e => Assert.Equal(expected, e.Embedding.ToArray().Select(v => (float)v)));
        }
    }

    private void Add(long start, float[] scores, float value, ActivityPart? part = null, float unusual = 0)
    {
        var window = Windows.From(new float[Window * 128], Window, start);
        window.Part = part;
        scores.CopyTo(window.ResizeScores(scores.Length));
        window.ResizeEmbedding(1)[0] = value;
        _embeddings.Add(window, [0.5f, 0.5f], unusual);
        window.Return();
    }

    private float[] Of(int label, long onset, long offset, EventState state = EventState.Closed) => [.. _embeddings
        .Of(new DetectedEvent(state, label, onset, offset, 1, 1)).ToArray().Select(v => (float)v)];
}
