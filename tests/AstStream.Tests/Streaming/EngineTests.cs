using AstStream.Events;
using AstStream.Streaming.Graph;
using AstStream.Tests.Shared;

namespace AstStream.Tests.Streaming;

/// <summary>
/// The whole graph between sources and sinks of the tests' own, with simulated sessions. Runs alone, as it counts pooled objects.
/// </summary>
[Collection(nameof(AllocationTests))]
public class EngineTests : EngineTrial
{
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
    public async Task RunAsync_ManyGraphsThatStartFaultAndStop_FindNoDeadlockAndLeakNothing()
    {
        var before = PoolCounters.Outstanding;
        var random = new Random(6);
        var outcomes = new Dictionary<string, int> { ["ended"] = 0, ["faulted"] = 0, ["cancelled"] = 0 };
        var runs = Trial.IsLong ? 10_000 : 2500;
        for (var i = 0; i < runs; i++)
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

        Assert.All(outcomes, o => Assert.True(o.Value > runs / 50, $"{o.Key}: {o.Value}"));
    }
}
