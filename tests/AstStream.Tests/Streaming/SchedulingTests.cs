using AstStream.Events;
using AstStream.Events.Decoding;
using AstStream.Streaming.FrontEnd;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Scheduling;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;
using Microsoft.Extensions.Time.Testing;

namespace AstStream.Tests.Streaming;

/// <summary>What goes next, in what batches, at what hops: the pure parts, with times that the tests choose.</summary>
public sealed class SchedulingTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly RunReport _report = new();

    public void Dispose() => _report.Dispose();

    [Fact]
    public void Take_NoisyNeighbour_GetsNoMoreThanItsTurn()
    {
        var scheduler = Scheduler();
        var queue = new WindowQueue();
        var (noisy, quiet, other) = (Open(scheduler, "noisy"), Open(scheduler, "quiet"), Open(scheduler, "other"));
        for (var i = 0; i < 100; i++)
            queue.Add(Window(noisy, i));
        queue.Add(Window(quiet, 0));
        queue.Add(Window(other, 0));

        Assert.Equal(["noisy 0", "quiet 0", "other 0", "noisy 1"], Take(queue, 4));
        Assert.Equal(98, queue.Count);
        Assert.Equal(98, Take(queue, 1000).Count);
    }

    [Fact]
    public void Take_Priorities_HigherFirstAndLiveBeforePatient()
    {
        var scheduler = Scheduler();
        var queue = new WindowQueue();
        foreach (var (name, priority, isLive) in (
            (string, int, bool)[])[("file", 0, false), ("low", -5, true), ("live", 0, true), ("alarm", 7, false)])
            queue.Add(Window(scheduler.Open(new StreamInfo(name, "s") { Priority = priority }, isLive), 0));

        Assert.Equal(["alarm 0", "live 0", "file 0", "low 0"], Take(queue, 9));
    }

    [Property(MaxTest = 200)]
    public Property Take_AnyInterleaving_KeepsEachStreamsOrderAndLosesNothing() => Prop.ForAll(
        Gen.Choose(-4, 3).Zip(Gen.Choose(1, 5)).ArrayOf().ToArbitrary(), steps =>
        {
            var scheduler = Scheduler();
            var queue = new WindowQueue();
            var streams = Enumerable.Range(0, 4)
                .Select(i => scheduler.Open(new StreamInfo($"{i}", "s") { Priority = i % 2 }, i % 3 != 0)).ToList();
            var (next, taken) = (new long[4], new List<Piece>());
            foreach (var (what, many) in steps)
            {
                // A step adds a window to a stream, or takes or expires some.
                if (what >= 0)
                    queue.Add(Window(streams[what], next[what]++));
                else if (what > -3)
                    queue.Take(many, taken);
                else if (queue.Oldest is not null)
                    taken.Add(queue.TakeOldest());
            }

            queue.Take(int.MaxValue, taken);
            var isGood = queue.Count == 0 && queue.Live == 0 && taken.Count == next.Sum()
                && taken.GroupBy(w => w.Timeline).All(g => g.Select(w => w.Start).SequenceEqual(g.Select(w => w.Start).Order()));
            foreach (var window in taken)
                window.Return();
            return isGood;
        });

    [Fact]
    public void TakeDecided_StreamThatAnotherModelStillHas_WaitsForIt()
    {
        var scheduler = Scheduler();
        var stream = scheduler.Open(new StreamInfo("a", "s"), isLive: true, isHeld: true);
        scheduler.Deliver(stream, [Piece.Interval(stream, PieceState.Gated, LossReason.None, 0, 160)]);
        var taken = new List<Piece>();

        Assert.False(scheduler.TakeDecided(taken, 9));
        scheduler.Continue(stream, Handover.Nothing);
        Assert.True(scheduler.TakeDecided(taken, 9));

        Assert.Equal(Handover.Nothing, Assert.Single(taken).Timeline.Received);
        scheduler.Decoded(taken);
    }

    [Fact]
    public void MustYield_ShadowOfAModelWithWindows_UntilThatHasTakenThem()
    {
        var (model, shadow) = (Scheduler(), Scheduler());
        shadow.ShadowOf = model;
        var stream = Open(model, "a");
        Assert.False(shadow.MustYield);

        model.Deliver(stream, [Window(stream, 0)]);
        Assert.True(shadow.MustYield);
        Assert.False(model.MustYield);
        var taken = new List<Piece>();
        model.AddSession(maxBatch: 8, preparesAhead: false).Take(taken);

        Assert.False(shadow.MustYield);
        model.Close();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Deliver_SessionThatIsOut_HoldsUpAModelAndNoShadow(bool isShadow)
    {
        var (model, scheduler) = (Scheduler(), Scheduler());
        scheduler.ShadowOf = isShadow ? model : null;
        var session = scheduler.AddSession(maxBatch: 8, preparesAhead: false);
        var stream = scheduler.Open(new StreamInfo("a", "s"), isLive: false);
        var (held, taken) = (new List<Piece>(), new List<Piece>());
        scheduler.Deliver(stream, [Window(stream, 0), Window(stream, 1)]);
        session.Take(held);
        scheduler.Deliver(stream, [Window(stream, 2)]);

        session.GiveBack(held);
        scheduler.Deliver(stream, [Window(stream, 3)]);

        Assert.Equal(isShadow, scheduler.TakeDecided(taken, 9));
        Assert.All(taken, p => Assert.Equal((PieceState.Lost, LossReason.Fault, 4L), (p.State, p.Reason, p.CellEnd)));
        scheduler.Decoded(taken);

        // A model that leaves loses them, too, after a while.
        scheduler.Expire(isLate: false);
        Assert.False(scheduler.TakeDecided(taken, 9));
        scheduler.Expire(isLate: true);
        Assert.Equal(!isShadow, scheduler.TakeDecided(taken, 9));
        scheduler.Decoded(taken);
        Assert.True(scheduler.HasRoom());
        scheduler.Close();
    }

    [Fact]
    public void Expire_NobodyDeliversOrTakesAnyMore_GivesUpWindowsThatAreTooOld()
    {
        var scheduler = Scheduler();
        var stream = Open(scheduler, "a");
        scheduler.Deliver(stream, [Window(stream, 0)]);
        var taken = new List<Piece>();

        scheduler.Expire(isLate: false);
        Assert.False(scheduler.TakeDecided(taken, 9));
        _time.Advance(TimeSpan.FromSeconds(11));
        scheduler.Expire(isLate: false);

        Assert.True(scheduler.TakeDecided(taken, 9));
        Assert.Equal(LossReason.Overload, Assert.Single(taken).Reason);
        scheduler.Decoded(taken);
    }

    [Theory]
    [InlineData(8, false, 0, 0)] // full
    [InlineData(3, true, 0, 0)] // nothing more will come
    [InlineData(3, false, 0, 20)]
    [InlineData(3, false, 15, 5)]
    [InlineData(3, false, 25, -5)]
    public void WaitBeforeSend_BatchAtHand_WaitsForOthersOnlySoLong(
        int rows, bool isDraining, int waitedMilliseconds, int expected) => Assert.Equal(
        TimeSpan.FromMilliseconds(expected),
            BatchPolicy.WaitBeforeSend(
            rows, 8, isDraining, TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(20),
            TimeSpan.FromMilliseconds(1000 + waitedMilliseconds)));

    [Theory]
    [InlineData("busy 5 +|idle 0 +", 1)] // an idle one first
    [InlineData("idle 2 +|idle 3 +", 1)] // one batch fills at a time
    [InlineData("busy 5 +|busy 3 +", 1)] // the one that falls free first, probably
    [InlineData("busy 5 -|busy 9 +", 1)] // one slot can't be filled while it runs
    [InlineData("busy 5 -|busy 6 -", -1)]
    [InlineData("idle 8 +|busy 6 -", -1)] // full
    public void Gatherer_Sessions_OneTakesTheWindowsToCome(string sessions, int expected)
    {
        List<Load> loads = [.. sessions.Split('|').Select(s => s.Split(' ')).Select(
            s => new Load(s[0] == "idle", s[2] == "+", s[0] == "idle" ? int.Parse(s[1]) : 0, s[0] == "idle" ? 0 : int.Parse(s[1])))];

        Assert.Equal(expected < 0 ? null : loads[expected], BatchPolicy.Gatherer(loads));
    }

    [Fact]
    public void Rate_SmallBatches_TellWhatALargeOneTakes()
    {
        var estimate = new ThroughputEstimate();
        for (var i = 0; i < 50; i++)
            estimate.Add(1 + (i % 8), 0.002 + (0.0004 * (1 + (i % 8))));

        Assert.Equal(64 / 0.0276, estimate.Rate(64), 1.0);
        Assert.Equal(0, new ThroughputEstimate().Rate(64));
    }

    [Fact]
    public void Deliver_OldWindowsOfLiveStreams_AreLostAndMergedAndTheLedgerKnows()
    {
        var scheduler = Scheduler(new BatchOptions { MaxAge = TimeSpan.FromSeconds(5) });
        scheduler.AddLane("lane", new Signal());
        var session = scheduler.AddSession(8, preparesAhead: false);
        var (live, file) = (Open(scheduler, "live"), scheduler.Open(new StreamInfo("file", "s"), isLive: false));
        for (var i = 0; i < 20; i++)
        {
            foreach (var stream in (StreamTimeline[])[live, file])
                scheduler.Deliver(stream, [Window(stream, i, _time.GetTimestamp())]);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        var decided = new List<Piece>();
        Assert.True(scheduler.TakeDecided(decided, 100));
        // One piece, not fourteen.
        Assert.Equal([(PieceState.Lost, LossReason.Overload, 0L, 14L)], decided.Select(p => (p.State, p.Reason, p.CellStart, p.CellEnd)));
        scheduler.Decoded(decided);
        var taken = new List<Piece>();
        session.Take(taken);
        Assert.Equal(8, taken.Count);
        Assert.All(taken.Where(w => w.Timeline == file), w => Assert.True(w.Start < 8)); // a file's windows grow old unharmed
        scheduler.Close();
    }

    [Theory]
    [InlineData(9, 8)]
    [InlineData(11, 6)]
    public void Deliver_NoAgeGiven_WindowsLiveTenSeconds(int seconds, int taken)
    {
        var scheduler = Scheduler();
        scheduler.AddLane("lane", new Signal());
        var session = scheduler.AddSession(8, preparesAhead: false);
        var live = Open(scheduler, "live");
        for (var i = 0; i < 2; i++)
            scheduler.Deliver(live, [Window(live, i, _time.GetTimestamp())]);
        _time.Advance(TimeSpan.FromSeconds(seconds));
        for (var i = 2; i < 8; i++)
            scheduler.Deliver(live, [Window(live, i, _time.GetTimestamp())]);

        var windows = new List<Piece>();
        session.Take(windows);

        Assert.Equal(taken, windows.Count);
        scheduler.Close();
    }

    [Fact]
    public void Deliver_PiecesWithoutAWindow_BecomeOneThatKnowsWhatFollowsTheLast()
    {
        var scheduler = Scheduler();
        scheduler.AddLane("lane", new Signal());
        var live = Open(scheduler, "live");
        const int many = 500; // more than are kept apart
        for (var i = 0; i < many; i++)
        {
            var piece = Piece.Interval(live, PieceState.Gated, LossReason.None, i * 100, (i + 1) * 100);
            piece.After = new CutPoint(new Segment(16_000, 0, 0), i, i, (i + 1) * 100, 0);
            var noted = Piece.Interval(live, PieceState.Noted, LossReason.None, (i + 1) * 100, (i + 1) * 100);
            (noted.Part, noted.After) = (new ActivityPart(i, i + 1, ActivityProgress.Early), piece.After);
            scheduler.Deliver(live, [piece, noted]);
        }

        var decided = new List<Piece>();
        Assert.True(scheduler.TakeDecided(decided, 2 * many));

        Assert.InRange(decided.Count, 1, many / 2);
        Assert.All(decided, d => Assert.Equal(d.CellEnd, d.After.CellStart));
        Assert.Equal(new CutPoint(new Segment(16_000, 0, 0), many - 1, many - 1, many * 100, 0), decided[^1].After);
        scheduler.Close();
    }

    [Fact]
    public void FirstHop_LiveStreamsThatBeginTogether_AreSpreadOverTheHop()
    {
        var scheduler = Scheduler();
        var hops = Enumerable.Range(0, 200).Select(i => Open(scheduler, $"mic{i}").FirstHop).ToList();

        Assert.All(hops, h => Assert.InRange(h, 1, 100));
        Assert.All(hops.GroupBy(h => (h - 1) / 25), g => Assert.InRange(g.Count(), 30, 70)); // 50 in each quarter
        Assert.Equal(100, scheduler.Open(new StreamInfo("file", "s"), isLive: false).FirstHop);
    }

    [Fact]
    public async Task HasRoom_PatientStreams_WaitUntilTheirWindowsAreDecoded()
    {
        var scheduler = Scheduler();
        var lane = new Signal();
        scheduler.AddLane("lane", lane);
        var session = scheduler.AddSession(8, preparesAhead: false);
        var file = scheduler.Open(new StreamInfo("file", "s"), isLive: false);
        long position = 0;
        while (scheduler.HasRoom())
            scheduler.Deliver(file, [Window(file, position++)]);
        Assert.Equal(32, position);

        var taken = new List<Piece>();
        session.Take(taken);
        session.Started(taken.Count);
        session.Ended(taken.Count, TimeSpan.FromMilliseconds(1));
        session.Scored(taken);
        Assert.False(scheduler.HasRoom()); // scored, but nobody has read it
        taken.Clear();
        scheduler.TakeDecided(taken, 100);
        scheduler.Decoded(taken);
        Assert.True(scheduler.HasRoom());
        await lane.WaitAsync(); // it was woken
        scheduler.Close();
    }

    private static StreamTimeline Open(WindowScheduler scheduler, string name) => scheduler.Open(new StreamInfo(name, "s"), isLive: true);

    private static Piece Window(StreamTimeline stream, long start, long captured = 0)
    {
        var window = Piece.Rent(stream, [], 0, 0, 128, start, start, start + 1, 1);
        window.Captured = captured;
        return Framed(window);
    }

    /// <summary>A window with one frame, so that it counts as one.</summary>
    private static Piece Framed(Piece window)
    {
        var chunk = FrameChunk.Rent(128);
        var framed = Piece.Rent(window.Timeline, [chunk], 0, 1, 128, window.Start, window.CellStart, window.CellEnd, 1);
        framed.Captured = window.Captured;
        chunk.Release();
        window.Return();
        return framed;
    }

    private static List<string> Take(WindowQueue queue, int most)
    {
        var taken = new List<Piece>();
        queue.Take(most, taken);
        List<string> names = [.. taken.Select(w => $"{w.Timeline.Stream.Id} {w.Start}")];
        foreach (var window in taken)
            window.Return();
        return names;
    }

    private WindowScheduler Scheduler(BatchOptions? options = null) =>
        new("m", new WindowOptions(256, 100, 128), options ?? new BatchOptions(), _time, _report);

    private sealed record Load(bool IsIdle, bool PreparesAhead, int AtHand, long BusySince) : ISessionLoad
    {
        public int Room => 8 - AtHand;
    }
}
