using AstStream.Events;
using AstStream.Events.Decoding;
using AstStream.Streaming.Decoding;
using AstStream.Streaming.FrontEnd;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Scheduling;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;
using AstStream.Tests.Dsp;

namespace AstStream.Tests.Streaming;

/// <summary>
/// Streams that are broken off anywhere and taken up again at their last checkpoint, in a graph that knows nothing of the one before.
/// </summary>
public sealed class ResumeTests
{
    private static readonly Model[] s_models =
    [
        new("a", new WindowOptions(16, 8, 8), Options(EventTiming.Window, 3, 8)),
        new("b", new WindowOptions(24, 10, 8), Options(EventTiming.Contains, 1, 10)),
        new("c", new WindowOptions(96, 30, 8) { FindsActivity = true, ConfirmsActivity = true }, Options(EventTiming.Segment, 1, 30)),
        new("d", new WindowOptions(256, 99, 8) { FindsActivity = true }, Options(EventTiming.Segment, 3, 99)),
        new("e", new WindowOptions(64, 4, 8) { Gate = true }, Options(EventTiming.Contains, 1, 4)), // long windows, close together
    ];

    [Theory]
    [InlineData("a")]
    [InlineData("ab")]
    [InlineData("c")]
    [InlineData("cd")]
    [InlineData("acd")]
    public async Task Resume_AnywhereAndOften_DecidesWhatOneThatNeverStoppedDecides(string names)
    {
        var models = s_models.Where(m => names.Contains(m.Name, StringComparison.Ordinal)).ToArray();
        var (events, resumed) = (0, 0);
        for (var seed = 0; seed < 90; seed++)
        {
            var random = new Random(seed);
            var script = Script(random);
            var whole = await RunAsync(script, models, resume: null, breaksAt: int.MaxValue, random);
            Assert.True(whole.IsOver);

            List<StreamRecord> kept = [];
            IReadOnlyDictionary<string, StreamCheckpoint>? resume = null;
            for (var times = 0; ; times++)
            {
                var part = await RunAsync(script, models, resume, times < 40 ? random.Next(1, 5) : int.MaxValue, random);
                kept.AddRange(part.Published);
                if (part.IsOver)
                    break;
                resume = part.Checkpoints ?? resume;
                resumed += resume is null ? 0 : 1;
            }

            foreach (var model in models)
                Assert.Equal(Texts(whole.Published, model.Name), Texts(kept, model.Name));
            events += kept.OfType<SoundEvent>().Count();
        }

        Assert.True(events > 400 && resumed > 10, $"{events} events, resumed {resumed} times");
    }

    /// <summary>Whoever may write the state topic may write anything there.</summary>
    [Fact]
    public async Task Resume_StateThatIsDamagedAnywhere_GoesOnOrBeginsAnew()
    {
        var script = new[] { new Piece(16_000, 0, OnlineFbankTests.Noise(60_000, 5)) };
        var part = await RunAsync(script, s_models[..1], null, breaksAt: 1, new Random(1));
        var checkpoint = part.Checkpoints!["a"];
        var random = new Random(7);
        for (var turn = 0; turn < 150; turn++)
        {
            var state = checkpoint.State.ToArray();
            var length = random.Next(4) == 0 ? random.Next(state.Length) : state.Length;
            var at = random.Next(Math.Max(1, Math.Min(length, 60))); // the lengths are at the beginning, and at the end
            at = random.Next(2) == 0 ? at : Math.Max(0, length - 1 - at);
            foreach (ref var b in state.AsSpan(at, Math.Min(4, state.Length - at)))
                b = (byte)random.Next(256);
            var damaged = checkpoint with { State = state[..length] };

            foreach (var version in (string[])["", " 2"])
            {
                var resume = new Dictionary<string, StreamCheckpoint> { ["a"] = damaged };
                Assert.True((await RunAsync(script, s_models[..1], resume, int.MaxValue, new Random(1), version)).IsOver);
            }
        }
    }

    [Fact]
    public async Task Resume_StateOfAnotherModel_BeginsAnewWithTheSoundThatWasNotDecided()
    {
        // So long that the first checkpoint can't be the end.
        const int length = 400_000;
        var script = new[] { new Piece(16_000, 0, OnlineFbankTests.Noise(length, 5)) };
        var part = await RunAsync(script, s_models[..1], null, breaksAt: 1, new Random(1));
        var checkpoint = part.Checkpoints!["a"];
        Assert.False(checkpoint.IsEnd);
        var rest = await RunAsync(
            script, s_models[..1], new Dictionary<string, StreamCheckpoint> { ["a"] = checkpoint with { State = [1, 2, 3] } }, int.MaxValue,
            new Random(1));

        var coverage = rest.Published.OfType<CoverageInterval>().ToList();
        Assert.Equal(checkpoint.Needed, coverage[0].Start);
        Assert.Equal(length, coverage[^1].End);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("b")]
    [InlineData("c")]
    [InlineData("e")]
    public async Task Resume_AnotherModelUnderTheName_FinishesWhatTheFormerOneHasLeft(string name)
    {
        var models = s_models.Where(m => m.Name == name).ToArray();
        var finished = 0;
        for (var seed = 0; seed < 60; seed++)
        {
            var random = new Random(seed);
            var script = Script(random);
            var part = await RunAsync(script, models, null, random.Next(1, 5), random);
            if (part.IsOver || part.Checkpoints is null)
                continue;
            var rest = await RunAsync(script, models, part.Checkpoints, random.Next(1, 5), random, version: " 2");
            var after = rest.Published;
            if (!rest.IsOver)
            {
                // That is broken off, too.
                after = [.. after, .. (await RunAsync(
                    script, models, rest.Checkpoints ?? part.Checkpoints, int.MaxValue, random, version: " 2")).Published];
            }

            foreach (var opened in part.Published.OfType<SoundEvent>().GroupBy(e => e.Id).Where(g => g.Count() == 1).Select(g => g.Key))
            {
                Assert.Equal(EventState.Closed, after.OfType<SoundEvent>().First(e => e.Id == opened).State);
                finished++;
            }

            // Its time joins the new one's.
            var all = part.Published.Concat(after).OfType<CoverageInterval>().ToList();
            for (var i = 1; i < all.Count; i++)
                Assert.Equal(all[i - 1].End, all[i].Start);
        }

        Assert.True(finished > 5, $"{finished} events");
    }

    private static EventOptions Options(EventTiming timing, int median, int hop)
    {
        var thresholds = Enumerable.Repeat(0.5f, 5).ToArray();
        return new EventOptions
        {
            Timing = timing,
            Thresholds = thresholds,
            ReleaseThresholds = [.. thresholds.Select(t => t - 0.1f)],
            MedianWindows = median,
            HopLength = hop * 160,
            MergeGap = 2_000
        };
    }

    /// <summary>Stretches of sound at one rate or another, with gaps between.</summary>
    private static Piece[] Script(Random random)
    {
        var pieces = new List<Piece>();
        var end = 0.0;
        for (var i = random.Next(1, 5); i > 0; i--)
        {
            var rate = random.Next(3) == 0 ? 48_000 : 16_000;
            var origin = (long)Math.Ceiling(end * rate) + (pieces.Count == 0 ? 0 : random.Next(1, 20_000));
            var sound = OnlineFbankTests.Noise(random.Next(3) == 0 ? random.Next(1, 900) : random.Next(1, 60_000), random.Next());
            AddQuiet(sound, random);
            pieces.Add(new Piece(rate, origin, sound));
            end = (double)(origin + sound.Length) / rate;
        }

        return [.. pieces];
    }

    /// <summary>Makes noise soft but for bursts, so that something sounds now and then.</summary>
    private static void AddQuiet(float[] sound, Random random)
    {
        for (var at = 0; at < sound.Length;)
        {
            var rest = sound.AsSpan(at);
            var quiet = rest[..Math.Min(rest.Length, random.Next(1, 20_000))];
            foreach (ref var sample in quiet)
                sample *= 0.01f;
            at += quiet.Length + random.Next(1, 15_000);
        }
    }

    private static List<string> Texts(IEnumerable<StreamRecord> records, string model) =>
        [.. records.Where(r => r.Model == model).Select(r => r is SoundEvent e ? Text(e) : $"{r with { Checkpoint = 0, Captured = 0 }}")];

    /// <summary>An event with all that goes on with it.</summary>
    private static string Text(SoundEvent e) => (e with { Checkpoint = 0, Captured = 0, Carried = [] })
        + string.Join(' ', e.Carried.Select(h => $"{h.Name}={BitConverter.ToInt64(h.Value)}"));

    private static async Task<Part> RunAsync(
        Piece[] script, Model[] models, IReadOnlyDictionary<string, StreamCheckpoint>? resume, int breaksAt, Random random,
        string version = "")
    {
        using var report = new RunReport();
        using var cancel = new CancellationTokenSource();
        var time = TimeProvider.System;
        var delivery = new Delivery(models.Length, breaksAt, cancel);
        var first = resume?.Values.MinBy(c => (double)c.Needed / c.SampleRate);
        var stream = new StreamInfo(
            "s", "source")
        {
            Delivery = delivery,
            FirstSample = first?.Needed ?? 0,
            States = resume?.ToDictionary(r => r.Key, r => r.Value.State)
        };
        var lane = new Edge<AudioBlock>("lane", 4);
        var schedulers = models.Select(
            m => new WindowScheduler(m.Name, m.Window, new BatchOptions(), time, report) { Identity = m.Name + version }).ToList();
        var source = new Player(script, stream, first, random.Next());
        var output = new SourceOutput("source", _ => new LaneInput(lane, time), isLive: false, 0, 1, time, report);
        var node = new SourceNode("source", "script", source, output, report, CancellationToken.None);
        node.WritesTo(lane);
        var nodes = new List<Node> { node, new LaneNode("lane", lane, schedulers, isLive: false, report) };
        var records = new Edge<StreamRecord>("tee", 4);
        foreach (var (scheduler, i) in schedulers.Select((s, i) => (s, i)))
        {
            nodes.Add(new SessionNode(scheduler.Model + "/0", scheduler, _ => new SimulatedSession(5, 4), "simulated", time, report));
            nodes.Add(new DecodeNode(
                $"events {i}", scheduler,
                new DecodeOptions(new Vocabulary(["a", "b", "c", "d", "e"]), models[i].Events, scheduler.Model), records, report));
        }

        var tee = new TeeNode("tee", records, report);
        var sinks = new List<MemorySink>();
        for (var i = 0; i < 2; i++)
        {
            var edge = new Edge<StreamRecord>($"sink {i}", 4);
            var options = new SinkOptions { Coverage = true };
            tee.Connect(edge.To, edge, options);
            sinks.Add(new MemorySink());
            nodes.Add(new SinkNode(edge.To, edge, sinks[i], options, time, report));
        }

        nodes.Add(tee);
        try
        {
            await new DataflowGraph(nodes).RunAsync(cancel.Token).WaitAsync(TimeSpan.FromSeconds(30), CancellationToken.None);
        }
        catch (OperationCanceledException)
        {
            // broken off
        }

        var isOver = !cancel.IsCancellationRequested;

        Assert.Empty(report.Errors);

        // What is published is what stands before a checkpoint that both sinks are done with.
        Assert.All(sinks,
            s => Assert.All(
            delivery.Done.Values, c => Assert.True(s.Records.Where(r => r.Model == c.Model).All(r => r.Checkpoint <= c.Number + 1000))));
        var published = sinks[0].Records.Where(r => delivery.Done.TryGetValue(r.Model, out var c) && r.Checkpoint <= c.Number).ToList();
        Assert.Equal(
            published.Select(p => p.ToString()).Order(StringComparer.Ordinal),
            sinks[1].Records.Where(r => delivery.Done.TryGetValue(r.Model, out var c) && r.Checkpoint <= c.Number)
                .Select(p => p.ToString()).Order(StringComparer.Ordinal));

        // A model that has not come to a checkpoint this time goes on where it stood.
        var checkpoints = models.Select(m => delivery.Done.GetValueOrDefault(m.Name) ?? resume?.GetValueOrDefault(m.Name)).ToList();
        if (!isOver && checkpoints.Contains(null))
            return new Part([], null, false); // not even once: everything comes again
        return new Part(
            published, isOver ? null : checkpoints.ToDictionary(c => c!.Model, c => c!), isOver || checkpoints.All(c => c!.IsEnd));
    }

    private sealed record Model(string Name, WindowOptions Window, EventOptions Events);

    private sealed record Piece(int Rate, long Origin, float[] Sound);

    private sealed record Part(List<StreamRecord> Published, IReadOnlyDictionary<string, StreamCheckpoint>? Checkpoints, bool IsOver);

    private sealed class Delivery(int models, int breaksAt, CancellationTokenSource cancel) : IDelivery
    {
        public Dictionary<string, StreamCheckpoint> Done { get; } = new(models, StringComparer.Ordinal);

        public LocatedInput Locate(long start, long end) => new(
            new InputRange(start / 1000, end / 1000), [new CarriedHeader("last", BitConverter.GetBytes(end / 1000))]);

        public void Complete(StreamCheckpoint checkpoint)
        {
            lock (Done)
            {
                if (cancel.IsCancellationRequested)
                    return; // it is dead
                Assert.True(!Done.TryGetValue(checkpoint.Model, out var last) || last.Number == checkpoint.Number - 1);
                Done[checkpoint.Model] = checkpoint;
                if (--breaksAt <= 0)
                    cancel.Cancel();
            }
        }
    }

    /// <summary>Plays a script from a sample on, in blocks of any length.</summary>
    private sealed class Player(Piece[] script, StreamInfo stream, StreamCheckpoint? from, int seed) : IAudioSource
    {
        public string Description => "script";

        public bool IsLive => false;

        public async Task RunAsync(SourceOutput output, CancellationToken stop, CancellationToken cancellation)
        {
            var random = new Random(seed);
            var (position, rate, begun) = (0L, 0, from is null);
            foreach (var piece in script)
            {
                var at = 0;
                if (!begun)
                {
                    // It goes on within a piece, or right after it.
                    if (piece.Rate != from!.SampleRate || piece.Origin > from.Needed || piece.Origin + piece.Sound.Length < from.Needed)
                        continue;
                    at = (int)(from.Needed - piece.Origin);
                    begun = true;
                }
                else if (rate != 0)
                {
                    await output.SkipAsync(stream, piece.Rate, piece.Origin, LossReason.Gap, cancellation);
                }

                while (at < piece.Sound.Length)
                {
                    var length = Math.Min(random.Next(1, 4000), piece.Sound.Length - at);
                    var block = AudioBlock.Rent(stream, piece.Origin + at, piece.Rate, length);
                    piece.Sound.AsSpan(at, length).CopyTo(block.Samples);
                    await output.WriteAsync(block, cancellation);
                    at += length;
                }

                (position, rate) = (piece.Origin + piece.Sound.Length, piece.Rate);
            }

            await output.EndAsync(stream, rate, position, cancellation);
        }
    }
}
