using System.Collections.Concurrent;
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
/// The whole graph between sources and sinks of the tests' own, with simulated sessions. Runs alone, as it counts pooled objects.
/// </summary>
[Collection(nameof(AllocationTests))]
public class EngineTests
{
    private static readonly WindowOptions s_window = new(32, 8, 128) { MaxHopFrames = 8 }; // a busy machine must not stretch it
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task RunAsync_HundredStreamsTogether_GiveTheEventsOfEachAlone(bool isLive)
    {
        var streams = Enumerable.Range(0, 100).Select(
            i => new Script(
            $"s{i}", i, 8_000 + (i * 311), BlockLength: 80 + (i * 13 % 900), Rate: i % 3 == 0 ? 48_000 : 16_000,
            GapAt: i % 7 == 0 ? 5_000 : 0)).ToList();
        var together = await RunAsync([.. streams], isLive, sessions: 3, lanes: 3, blocks: 1_000_000);

        foreach (var stream in streams)
        {
            var alone = await RunAsync([stream], isLive, sessions: 1, lanes: 1, blocks: 1_000_000);
            Assert.Equal(alone.Records.GetValueOrDefault(stream.Id, []), together.Records.GetValueOrDefault(stream.Id, []));
        }

        Assert.True(together.Records.Count > 80);
    }

    [Fact]
    public async Task RunAsync_AnyFaultsGapsAndBlockSizes_LedgerAddsUpToTheWhole()
    {
        var random = new Random(4);
        for (var turn = 0; turn < 30; turn++)
        {
            var streams = Enumerable.Range(0, 10).Select(i => new Script(
                $"s{i}", i, random.Next(30_000), random.Next(1, 4000), random.Next(2) == 0 ? 16_000 : 44_100,
                GapAt: random.Next(20_000), BreaksRules: random.Next(4) == 0)).ToArray();
            var run = await RunAsync(streams, isLive: turn % 2 == 0, sessions: 1 + (turn % 3), lanes: 2, blocks: 1_000_000);

            foreach (var stream in streams)
            {
                var intervals = run.Coverage.GetValueOrDefault(stream.Id, []);
                long end = 0;
                foreach (var interval in intervals)
                {
                    Assert.Equal(end, interval.Start);
                    Assert.True(interval.End > interval.Start);
                    end = interval.End;
                }

                var tolerance = stream.GapAt > 0 && stream.Rate != 16_000 ? 1 : 0; // a gap at another rate ends at a rounded sample
                if (!stream.BreaksRules)
                    Assert.InRange(end - (((stream.TotalLength * 16_000L) + stream.Rate - 1) / stream.Rate), -tolerance, tolerance);
                else if (stream.Length > stream.BlockLength)
                    Assert.Equal(LossReason.Fault, intervals[^1].Reason);
            }

            var totals = run.Report.CoverageByModel["m"];
            Assert.Equal(run.Coverage.Values.Sum(c => c[^1].End), totals.Total);
            Assert.Equal(streams.Count(s => s.BreaksRules && s.Length > s.BlockLength), run.Report.Errors.Count);
        }
    }

    [Fact]
    public async Task RunAsync_OneStreamBreaksTheRules_TheOthersGoOn()
    {
        var run = await RunAsync(
            [new Script("good", 1, 40_000, 160), new Script("bad", 2, 40_000, 160, BreaksRules: true)], isLive: false, sessions: 1,
            lanes: 1);

        var error = Assert.Single(run.Report.Errors);
        Assert.Equal("stream bad goes from sample 160 to 1000160 without a discontinuity; it ends here, the others go on", error.Message);
        Assert.Equal([CoverageState.Analysed], run.Coverage["good"].Select(c => c.State));
        Assert.Equal(LossReason.Fault, run.Coverage["bad"][^1].Reason);
    }

    [Fact]
    public async Task RunAsync_SourceThatFails_EndsItsOwnStreamsOnly()
    {
        var run = await RunAsync(
            [new Script("a", 1, 20_000, 160, ThrowsAt: 9_600), new Script("b", 2, 20_000, 160)], isLive: false, sessions: 1, lanes: 1);

        Assert.Equal("the source failed: cable cut", Assert.Single(run.Report.Errors).Message);
        Assert.Equal((9_600, 20_000), (run.Coverage["a"][^1].End, run.Coverage["b"][^1].End));
    }

    [Fact]
    public async Task RunAsync_LiveSourceTooFast_NeverWaitsAndCountsWhatItLost()
    {
        // The session stands still until all sound has come.
        var release = new ManualResetEventSlim();
        var script = new Script("s", 1, 400_000, 400) { Done = release };
        var run = await RunAsync([script], isLive: true, sessions: 1, lanes: 1, run: _ => release.Wait(), blocks: 16);

        Assert.Equal(400_000, run.Coverage["s"][^1].End);
        Assert.Contains(run.Coverage["s"], c => c.State == CoverageState.Analysed);
        Assert.All(run.Coverage["s"].Where(c => c.State == CoverageState.Lost), c => Assert.Equal(LossReason.Overrun, c.Reason));
        Assert.Contains(run.Coverage["s"], c => c.State == CoverageState.Lost);
    }

    [Fact]
    public async Task RunAsync_LongStream_IsAccountedForEveryMinute()
    {
        var run = await RunAsync([new Script("s", 1, 200 * 16_000, 16_000)], isLive: false, sessions: 1, lanes: 1);

        Assert.Equal([60, 60, 60, 20], run.Coverage["s"].Select(c => Math.Round((c.End - c.Start) / 16_000.0)));
    }

    [Fact]
    public async Task RunAsync_OnlySessionFailsForGood_NamesItAndLeaksNothing()
    {
        var before = PoolCounters.Outstanding;
        var e = await Assert.ThrowsAsync<NodeFaultException>(() => RunAsync(
            [new Script("s", 1, 400_000, 400)], isLive: false, sessions: 1, lanes: 1, run: _ => throw new IOException("device lost")));

        Assert.Equal("m/0: device lost", e.Message);
        Assert.Equal(before, PoolCounters.Outstanding);
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(1, 2)]
    [InlineData(2, 1)]
    [InlineData(3, 2)]
    public async Task RunAsync_SessionsFailNowAndThen_EventsAreAsIfNoneDid(int sessions, int slots)
    {
        var before = PoolCounters.Outstanding;
        Script[] streams = [.. Enumerable.Range(0, 8).Select(i => new Script($"s{i}", i, 60_000 + (i * 311), 400))];
        var whole = await RunAsync(streams, isLive: false, sessions, lanes: 2, slots: slots);
        var calls = 0;
        var failing = await RunAsync(streams, isLive: false, sessions, lanes: 2, slots: slots, run: _ =>
        {
            if (Interlocked.Increment(ref calls) % 11 == 3)
                throw new InsufficientMemoryException("no room");
        });

        Assert.True(calls > 100);
        Assert.Equal(whole.Records.Count, failing.Records.Count);
        Assert.All(whole.Records, r => Assert.Equal(r.Value, failing.Records[r.Key]));
        Assert.All(failing.Coverage.Values.SelectMany(c => c), c => Assert.Equal(CoverageState.Analysed, c.State));
        Assert.Equal(before, PoolCounters.Outstanding);
    }

    [Fact]
    public async Task RunAsync_LargeBatchesFail_AreScoredInSmallerOnes()
    {
        Script[] streams = [.. Enumerable.Range(0, 8).Select(i => new Script($"s{i}", i, 60_000, 400))];
        var whole = await RunAsync(streams, isLive: false, sessions: 1, lanes: 2);
        var failed = 0;
        var small = await RunAsync(
            streams, isLive: false, sessions: 1, lanes: 2,
            run: rows =>
            {
                if (rows > 1)
                    throw new InsufficientMemoryException($"{++failed}");
            },
            maxQueueDelay: TimeSpan.FromMilliseconds(200)); // so that batches are large however fast the session is

        Assert.True(failed > 10);
        Assert.All(whole.Records, r => Assert.Equal(r.Value, small.Records[r.Key]));
    }

    [Fact]
    public async Task RunAsync_OneSessionOfTwoFailsForGood_TheOtherScoresAll()
    {
        Script[] streams = [.. Enumerable.Range(0, 8).Select(i => new Script($"s{i}", i, 60_000, 400))];
        var bad = 0;
        var run = await RunAsync(streams, isLive: false, sessions: 2, lanes: 2, run: _ =>
        {
            if (Thread.CurrentThread.Name == "aststream m/1")
            {
                Interlocked.Increment(ref bad);
                throw new IOException("device lost");
            }
        });

        Assert.True(bad > 0);
        Assert.All(run.Coverage.Values, c => Assert.Equal(60_000, c[^1].End));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task RunAsync_EverySessionFailsForGood_EndsSoon(int sessions)
    {
        Script[] streams = [.. Enumerable.Range(0, 8).Select(i => new Script($"s{i}", i, 200_000, 400))];

        var e = await Assert.ThrowsAsync<NodeFaultException>(() => RunAsync(streams, isLive: false, sessions, lanes: 2, run: _ =>
            throw new IOException("device lost")).WaitAsync(TimeSpan.FromSeconds(20)));

        Assert.EndsWith("device lost", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task RunAsync_WindowThatEverySessionFailsWith_IsLostAndTheOthersAreScored()
    {
        var calls = 0;
        var run = await RunAsync([new Script("s", 1, 60_000, 400)], isLive: false, sessions: 1, lanes: 1, run: _ =>
        {
            if (Interlocked.Increment(ref calls) <= 8)
                throw new IOException("this one");
        });

        var coverage = run.Coverage["s"];
        Assert.Contains(coverage, c => (c.State, c.Reason) == (CoverageState.Lost, LossReason.Fault));
        Assert.Contains(coverage, c => c.State == CoverageState.Analysed);
        Assert.Equal(60_000, coverage[^1].End);
    }

    [Fact]
    public async Task RunAsync_TenThousandGraphsThatStartFaultAndStop_FindNoDeadlockAndLeakNothing()
    {
        var before = PoolCounters.Outstanding;
        var random = new Random(6);
        var outcomes = new Dictionary<string, int> { ["ended"] = 0, ["faulted"] = 0, ["cancelled"] = 0 };
        for (var i = 0; i < 10_000; i++)
        {
            using var cancel = new CancellationTokenSource();
            var what = random.Next(5);
            var at = random.Next(1, 6);
            var calls = 0;
            void Run(int rows)
            {
                var call = Interlocked.Increment(ref calls);
                if ((what == 1 && call >= at) || (what == 4 && call == at))
                    throw new IOException("broken");
                if (what == 2 && call == at)
                    cancel.Cancel();
            }

            Script[] streams = [.. Enumerable.Range(0, 1 + random.Next(3)).Select(
                n => new Script(
                $"s{n}", n, random.Next(20_000), 100 + random.Next(3000), GapAt: random.Next(9000),
                ThrowsAt: what == 3 ? random.Next(9000) : 0))];
            try
            {
                await RunAsync(
                    streams, isLive: random.Next(2) == 0, sessions: 1 + random.Next(2), lanes: 1 + random.Next(2), Run, blocks: 4,
                    cancel.Token, slots: 1 + random.Next(2)).WaitAsync(s_patience, CancellationToken.None);
                outcomes["ended"]++;
            }
            catch (NodeFaultException) when (what == 1)
            {
                outcomes["faulted"]++;
            }
            catch (OperationCanceledException)
            {
                outcomes["cancelled"]++;
            }

            Assert.True(before == PoolCounters.Outstanding, $"run {i} ({what}, {at}): {PoolCounters.Summary}");
        }

        Assert.All(outcomes, o => Assert.True(o.Value > 200, $"{o.Key}: {o.Value}"));
    }

    private static async Task<Result> RunAsync(
        Script[] streams, bool isLive, int sessions, int lanes, Action<int>? run = null, int blocks = 100_000,
            CancellationToken cancellation = default, int slots = 2, TimeSpan maxQueueDelay = default)
    {
        using var report = new RunReport();
        var time = TimeProvider.System;
        var batching = new BatchOptions { MaxAge = TimeSpan.FromHours(1), MaxQueueDelay = maxQueueDelay };
        var scheduler = new WindowScheduler("m", s_window, batching, time, report);
        var edges = Enumerable.Range(0, lanes).Select(i => new Edge<AudioBlock>($"lane {i}", isLive ? blocks : 4)).ToArray();
        var nodes = new List<Node>();
        foreach (var (stream, i) in streams.Select((s, i) => (s, i)))
        {
            var source = new ScriptSource(stream, isLive);
            var node = new SourceNode(
                stream.Id, "script", source, new SourceOutput(stream.Id, _ => edges[i % lanes], isLive, 0, 1, time, report), report,
                CancellationToken.None);
            foreach (var edge in edges)
                node.WritesTo(edge);
            nodes.Add(node);
        }

        nodes.AddRange(edges.Select(e => new LaneNode(e.To, e, [scheduler], isLive, report)));
        for (var i = 0; i < sessions; i++)
            nodes.Add(new SessionNode(
                $"m/{i}", scheduler, () => new SimulatedSession(5, 4, slots, run), "simulated", time, report, TimeSpan.FromTicks(1)));
        var records = new Edge<StreamRecord>("sink", 4);
        var thresholds = Enumerable.Repeat(0.5f, 5).ToArray();
        var options = new EventOptions { Thresholds = thresholds, ReleaseThresholds = thresholds, MedianWindows = 3, HopLength = 8 * 160 };
        nodes.Add(new DecodeNode(
            "events", scheduler, new DecodeOptions(["a", "b", "c", "d", "e"], options, new ModelIdentity("hash", "float32", "cpu")),
            records, report));
        var sink = new Memory();
        nodes.Add(new SinkNode("sink", records, sink, new SinkOptions { Coverage = true }, time, report));
        await new DataflowGraph(nodes).RunAsync(cancellation);
        return new Result(report, sink.Records, sink.Coverage);
    }

    private sealed record Result(
        RunReport Report, IReadOnlyDictionary<string, List<string>> Records, IReadOnlyDictionary<string, List<CoverageInterval>> Coverage);

    /// <summary>What a stream does: so many samples of noise in blocks; a gap of 7,777 samples; or something that it must not do.</summary>
    private sealed record Script(
        string Id, int Seed, int Length, int BlockLength, int Rate = 16_000, int GapAt = 0, bool BreaksRules = false, int ThrowsAt = 0)
    {
        public const int Gap = 7_777;

        public ManualResetEventSlim? Done { get; init; }

        /// <summary>With the gap, where a block ends after its place and before the end.</summary>
        public long TotalLength => Length + (GapAt > 0 && (GapAt + BlockLength - 1) / BlockLength * BlockLength < Length ? Gap : 0);
    }

    private sealed class ScriptSource(Script script, bool isLive) : IAudioSource
    {
        public string Description => "script";

        public bool IsLive => isLive;

        public async Task RunAsync(SourceOutput output, CancellationToken stop, CancellationToken cancellation)
        {
            var stream = new StreamInfo(script.Id, output.Source);
            var noise = OnlineFbankTests.Noise(Math.Max(1, script.Length), script.Seed);
            long position = 0;
            var hasGap = false;
            for (var sent = 0; sent < script.Length;)
            {
                if (script.ThrowsAt > 0 && sent >= script.ThrowsAt)
                    throw new IOException("cable cut");
                if (!hasGap && script.GapAt > 0 && script.GapAt < script.Length && sent >= script.GapAt)
                {
                    hasGap = true;
                    position += Script.Gap;
                    await output.SkipAsync(stream, script.Rate, position, LossReason.Gap, cancellation);
                }

                var length = Math.Min(script.BlockLength, script.Length - sent);
                var jump = script.BreaksRules && sent > 0 ? 1_000_000 : 0;
                var block = AudioBlock.Rent(stream, position + jump, script.Rate, length);
                noise.AsSpan(sent, length).CopyTo(block.Samples);
                await output.WriteAsync(block, cancellation);
                sent += length;
                position += length;
            }

            script.Done?.Set();
            await output.EndAsync(stream, script.Rate, position, cancellation);
        }
    }

    private sealed class Memory : ISink
    {
        public ConcurrentDictionary<string, List<string>> Records { get; } = [];

        public ConcurrentDictionary<string, List<CoverageInterval>> Coverage { get; } = [];

        public string Description => "memory";

        public ValueTask OpenAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

        public ValueTask WriteAsync(StreamRecord record, CancellationToken cancellation)
        {
            if (record is CoverageInterval interval)
                Coverage.GetOrAdd(record.Stream.Id, _ => []).Add(interval);
            else
                Records.GetOrAdd(record.Stream.Id, _ => []).Add(record.ToString()!);
            return ValueTask.CompletedTask;
        }

        public ValueTask FlushAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
