using AstStream.Streaming.FrontEnd;
using AstStream.Streaming.Scheduling;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;
using Microsoft.Extensions.Time.Testing;

namespace AstStream.Tests.Streaming;

/// <summary>How far hops are stretched when there is more to do than can be done.</summary>
public sealed class HopControllerTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly RunReport _report = new();

    public void Dispose() => _report.Dispose();

    [Fact]
    public void Update_Overload_StretchesTheUnimportantAndTheQuietFirst()
    {
        var scheduler = Scheduler();
        var controller = new HopController();
        var streams = new[] { ("alarm", 5, false), ("loud", 0, false), ("quiet", 0, true) }.SelectMany(
            k => Enumerable.Range(0, 100).Select(i =>
        {
            var stream = scheduler.Open(new StreamInfo($"{k.Item1}{i}", "s") { Priority = k.Item2 }, isLive: true);
            stream.IsQuiet = k.Item3;
            return stream;
        })).ToList();
        void Run(double seconds, double capacity, bool isLate)
        {
            for (var i = 0; i < seconds * 10; i++)
            {
                _time.Advance(TimeSpan.FromMilliseconds(100));
                controller.Update(_time.GetElapsedTime(0), streams, capacity, 0, isLate);
            }
        }

        // 300 windows a second are asked for; the least is 100 streams / 2.56 s = 39 each.
        Run(0.5, 260, isLate: true);
        Assert.Equal((false, 1.0), (controller.IsOverloaded, controller.MaxStretch)); // not lasting yet
        Run(1, 260, isLate: true);
        Run(40, 260, isLate: false);
        Assert.Equal(["alarm 100", "loud 100", "quiet 213"], Hops(streams)); // 247 fit: only the quiet ones' hops are longer, all alike
        Run(40, 190, isLate: false);
        Assert.Equal(["alarm 100", "loud 242", "quiet 256"], Hops(streams));
        Run(40, 150, isLate: false);
        Assert.Equal(["alarm 156", "loud 256", "quiet 256"], Hops(streams)); // the others are at their greatest hop
        Run(20, 400, isLate: false);
        Assert.Equal(["alarm 100", "loud 100", "quiet 100"], Hops(streams));
        Assert.False(controller.IsOverloaded);
    }

    [Fact]
    public void Update_LessIsDoneThanSessionsCan_StretchesToWhatIsDone()
    {
        var scheduler = Scheduler();
        var controller = new HopController();
        var streams = Enumerable.Range(0, 50).Select(i => scheduler.Open(new StreamInfo($"{i}", "s"), isLive: true)).ToList();
        for (var i = 0; i < 80; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            controller.Update(_time.GetElapsedTime(0), streams, 1000, 0, isLate: true, done: 30);
        }

        Assert.InRange(streams[0].EffectiveHop, 170, 230); // 50 a second are asked for, and 28 of the 30 are used
    }

    [Fact]
    public void Update_BacklogRate_CountsWhatIsTakenWhileWindowsWait()
    {
        var rate = new BacklogRate();
        double At(double seconds, long taken, bool isLate)
        {
            rate.Update(TimeSpan.FromSeconds(seconds), taken, isLate);
            return rate.Rate;
        }

        Assert.Equal(0, At(0, 0, isLate: false));
        Assert.Equal(0, At(1, 500, isLate: true)); // what was taken before says nothing
        Assert.Equal(0, At(1.5, 520, isLate: true));
        Assert.Equal(40, At(2, 540, isLate: true), 6);
        Assert.Equal(40, At(2.9, 700, isLate: true), 6);
        Assert.Equal(180, At(3, 720, isLate: true), 6);
        Assert.Equal(1, At(4, 720, isLate: true)); // nothing at all
        Assert.Equal(0, At(5, 999, isLate: false));
    }

    [Fact]
    public void Update_Hops_ChangeGradually()
    {
        var scheduler = Scheduler();
        var controller = new HopController();
        var streams = Enumerable.Range(0, 50).Select(i => scheduler.Open(new StreamInfo($"{i}", "s"), isLive: true)).ToList();
        var last = 100;
        for (var i = 0; i < 100; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            controller.Update(_time.GetElapsedTime(0), streams, 25, 0, isLate: i < 30);
            Assert.InRange(streams[0].EffectiveHop - last, -5, 21); // hundredths of a second in a tenth
            last = streams[0].EffectiveHop;
        }

        Assert.InRange(last, 200, 230); // 24 a second
    }

    [Fact]
    public void Update_LoadIsGone_StaysAlertForFiveSeconds()
    {
        var scheduler = Scheduler();
        var controller = new HopController();
        var streams = Enumerable.Range(0, 50).Select(i => scheduler.Open(new StreamInfo($"{i}", "s"), isLive: true)).ToList();
        var alert = 0.0; // seconds since no hop is stretched any more
        for (var i = 0; i < 1000; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            controller.Update(_time.GetElapsedTime(0), streams, i < 100 ? 25 : 1000, 0, isLate: i < 30);
            if (i >= 100 && controller is { IsOverloaded: true, MaxStretch: <= 1 })
                alert += 0.1;
        }

        Assert.False(controller.IsOverloaded);
        Assert.Equal(5.0, alert, 0.3);
    }

    private static List<string> Hops(IEnumerable<StreamTimeline> streams) =>
        [.. streams.Select(s => $"{s.Stream.Id.TrimEnd("0123456789".ToCharArray())} {s.EffectiveHop}").Distinct()];

    private WindowScheduler Scheduler() => new("m", new WindowOptions(256, 100, 128), new BatchOptions(), _time, _report);
}
