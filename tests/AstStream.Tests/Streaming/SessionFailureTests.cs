using AstStream.Events;
using AstStream.Streaming.FrontEnd;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Scheduling;
using AstStream.Streaming.Telemetry;

namespace AstStream.Tests.Streaming;

/// <summary>
/// Sessions that fail: none of their windows is lost, and what was asked for comes back. Runs alone, as it counts pooled objects.
/// </summary>
[Collection(nameof(AllocationTests))]
public class SessionFailureTests : EngineTrial
{
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

            // On a busy machine the other session could score all before this one begins.
            SpinWait.SpinUntil(() => Volatile.Read(ref bad) > 0, TimeSpan.FromSeconds(20));
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

    /// <summary>The other session ends as soon as all is done: whoever has failed is not needed then, and says nothing.</summary>
    [Fact]
    public void IsOnlyHope_OtherSessionFailsOrAllIsDone_SaysWhetherItIsNeeded()
    {
        using var report = new RunReport();
        var scheduler = new WindowScheduler("m", new WindowOptions(256, 100, 128), new BatchOptions(), TimeProvider.System, report);
        scheduler.AddLane("lane", new Signal());
        var (well, failed) = (scheduler.AddSession(4, preparesAhead: false), scheduler.AddSession(4, preparesAhead: false));
        failed.GiveBack([]);
        Assert.False(failed.IsOnlyHope);
        well.GiveBack([]);
        Assert.True(failed.IsOnlyHope);
        scheduler.Complete(null);
        well.Close();
        Assert.False(failed.IsOnlyHope);
    }

    [Fact]
    public async Task RunAsync_WindowThatEverySessionFailsWith_IsLostAndTheOthersAreScored()
    {
        const long start = 5 * 8 * 160; // the sixth window's, of 32 frames
        var run = await RunAsync(
            [new Script("s", 1, 60_000, 400)], isLive: false, sessions: 1, lanes: 1,
            open: _ => new SimulatedSession(5, 4, 2) { Refuses = w => w.Start == start });

        var coverage = run.Coverage["s"];
        var lost = Assert.Single(coverage, c => c.State == CoverageState.Lost);
        Assert.Equal(LossReason.Fault, lost.Reason);
        Assert.Equal(8 * 160, lost.End - lost.Start);
        Assert.InRange(lost.Start, start, start + (32 * 160) - (8 * 160));
        Assert.All(coverage.Where(c => c != lost), c => Assert.Equal(CoverageState.Analysed, c.State));
        Assert.Equal(60_000, coverage[^1].End);
    }

    /// <summary>A session of no use is not asked for smaller batches: it is opened again.</summary>
    [Fact]
    public async Task RunAsync_SessionBreaks_IsOpenedAgainAndEveryWindowIsScored()
    {
        Script[] streams = [.. Enumerable.Range(0, 8).Select(i => new Script($"s{i}", i, 60_000 + (i * 311), 400))];
        var whole = await RunAsync(streams, isLive: false, sessions: 1, lanes: 2);
        var (opened, runs, wrong) = (0, 0, 0);
        var broken = await RunAsync(streams, isLive: false, sessions: 1, lanes: 2, open: _ =>
        {
            SimulatedSession session = null!;
            Interlocked.Increment(ref opened);
            return session = new SimulatedSession(5, 4, 2, rows =>
            {
                wrong += session.IsBroken ? 1 : 0;
                session.IsBroken |= Interlocked.Increment(ref runs) % 17 == 5;
                if (session.IsBroken)
                    throw new IOException("device lost");
            });
        });

        Assert.True(opened > 5);
        Assert.Equal(0, wrong);
        Assert.All(whole.Records, r => Assert.Equal(r.Value, broken.Records[r.Key]));
        Assert.All(broken.Coverage.Values.SelectMany(c => c), c => Assert.Equal(CoverageState.Analysed, c.State));
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(1, true)]
    [InlineData(2, true)]
    public async Task RunAsync_FallbackScores_WhatWasAskedForTakesItsPlaceWhenItCanBeHad(int slots, bool fallbackFails)
    {
        Script[] streams = [.. Enumerable.Range(0, 8).Select(i => new Script($"s{i}", i, 400_000 + (i * 311), 400))];
        var whole = await RunAsync(streams, isLive: false, sessions: 1, lanes: 2, slots: slots);
        var (asked, before, after) = (0, 0, 0);
        var outstanding = PoolCounters.Outstanding;
        var run = await RunAsync(streams, isLive: false, sessions: 1, lanes: 2, open: mayFallBack =>
        {
            if (mayFallBack)
                return new SimulatedSession(5, 4, slots, _ =>
                {
                    Count(ref before);
                    if (fallbackFails && before % 5 == 0)
                        throw new IOException("it too");
                })
                { IsFallback = true };
            asked++;
            return Volatile.Read(ref before) < 20 ? throw new IOException("away still")
                : new SimulatedSession(5, 8, slots, _ => Count(ref after)) { Identity = new ModelIdentity("hash", "float16", "cuda") };
        });

        Assert.True(asked > 1);
        Assert.True(before > 0 && after > 0, $"{before} runs before, {after} after");
        const string onGpu = "Precision = float16, Provider = cuda";
        var session = Assert.Single(run.Report.Sessions).Value;
        Assert.Equal(("cuda", "float16", false), (session.Provider, session.Precision, session.IsFallback));
        Assert.Equal(whole.Records.Count, run.Records.Count);
        Assert.All(whole.Records, r => Assert.Equal(
            r.Value, run.Records[r.Key].Select(e => e.Replace(onGpu, "Precision = float32, Provider = cpu", StringComparison.Ordinal))));
        var all = run.Records.Values.SelectMany(r => r).ToList();
        Assert.InRange(all.Count(e => e.Contains(onGpu, StringComparison.Ordinal)), 1, all.Count - 1); // records say what scored them
        Assert.All(run.Coverage.Values.SelectMany(c => c), c => Assert.Equal(CoverageState.Analysed, c.State));
        Assert.Equal(outstanding, PoolCounters.Outstanding);

        static void Count(ref int runs)
        {
            Interlocked.Increment(ref runs);
            SpinWait.SpinUntil(() => false, TimeSpan.FromMilliseconds(1));
        }
    }
}
