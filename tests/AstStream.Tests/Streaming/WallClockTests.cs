using AstStream.Streaming.Clocks;
using AstStream.Streaming.Sources;
using Microsoft.Extensions.Time.Testing;

namespace AstStream.Tests.Streaming;

public sealed class WallClockTests : IDisposable
{
    private static readonly DateTimeOffset s_boot = new(1970, 1, 1, 0, 0, 10, TimeSpan.Zero);

    private readonly FakeTimeProvider _steady = new(s_boot);
    private readonly SettableTime _wall;
    private readonly List<TimeSpan> _steps = [];
    private readonly WallClock _clock;
    private bool _isSynchronized;

    public WallClockTests()
    {
        _wall = new SettableTime(_steady);
        _clock = new WallClock(_wall, _steady, () => _isSynchronized, _steps.Add);
    }

    public void Dispose() => _clock.Dispose();

    [Fact]
    public void TimeAt_ClockIsSetAfterTheStart_FollowsItAndIsToldOnce()
    {
        var stream = new StreamInfo("mic", "mic", _wall.GetUtcNow()) { Clock = _clock.Mark() };
        _steady.Advance(TimeSpan.FromSeconds(100));
        _clock.Update();
        Assert.Equal(s_boot + TimeSpan.FromSeconds(50), stream.TimeAt(50));
        Assert.False(stream.IsClockGood);

        _wall.Set = TimeSpan.FromDays(20_000);
        _isSynchronized = true;
        _clock.Update();
        _steady.Advance(TimeSpan.FromSeconds(100));
        _clock.Update();

        Assert.Equal(s_boot + TimeSpan.FromDays(20_000) + TimeSpan.FromSeconds(150), stream.TimeAt(150));
        Assert.True(stream.IsClockGood);
        Assert.Equal(TimeSpan.FromDays(20_000), Assert.Single(_steps));
        Assert.Equal(s_boot, stream.StartTime); // ids are made of it, and stay
    }

    [Fact]
    public void TimeAt_SmallStepsOfADisciplinedClock_AddUpWithoutAWord()
    {
        var stream = new StreamInfo("mic", "mic", _wall.GetUtcNow()) { Clock = _clock.Mark() };
        for (var i = 1; i <= 100; i++)
        {
            _wall.Set = TimeSpan.FromMilliseconds(20 * i);
            _clock.Update();
        }

        Assert.InRange((stream.TimeAt(0)!.Value - s_boot).TotalSeconds, 1.9, 2.0);
        Assert.Empty(_steps);
    }

    [Fact]
    public void TimeAt_StreamThatBeganAfterTheStep_IsNotShifted()
    {
        _wall.Set = TimeSpan.FromHours(1);
        var stream = new StreamInfo("mic", "mic", _wall.GetUtcNow()) { Clock = _clock.Mark() };
        _clock.Update();

        Assert.Equal(_wall.GetUtcNow(), stream.TimeAt(0));
    }

    private sealed class SettableTime(FakeTimeProvider steady) : TimeProvider
    {
        public TimeSpan Set { get; set; }

        public override DateTimeOffset GetUtcNow() => steady.GetUtcNow() + Set;
    }
}
