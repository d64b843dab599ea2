using AstStream.Events;
using AstStream.Station.Notify;
using AstStream.Streaming.Telemetry;
using Microsoft.Extensions.Time.Testing;

namespace AstStream.Tests.Notify;

public sealed class SystemWatchTests : IDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly RunReport _report;

    public SystemWatchTests() => _report = new RunReport(time: _time);

    public void Dispose() => _report.Dispose();

    [Fact]
    public void Look_AStreamThatIsAwayForLong_IsToldOnceAndWhenItIsBack()
    {
        var watch = Watch(SystemCondition.StreamAway);
        var health = _report.Watch("mic", "porch");
        health.Become(SourceState.Running, "sound comes");
        health.Become(SourceState.Away, "unplugged");
        _time.Advance(TimeSpan.FromSeconds(299));
        Assert.Empty(watch.Look(_report));
        _time.Advance(TimeSpan.FromSeconds(1));

        var fault = Assert.Single(watch.Look(_report));
        Assert.Equal(("stream_away", "porch", "porch is not heard"), (fault.Kind, fault.Subject, fault.Title));
        Assert.Equal("It is away and looked for; its last sound came 5 min ago.", fault.Text);
        _time.Advance(TimeSpan.FromMinutes(10));
        Assert.Empty(watch.Look(_report));
        health.Become(SourceState.Running, "sound comes");
        Assert.Equal("It was away for 15 min.", Assert.Single(watch.Look(_report)).Text);
        Assert.Empty(watch.Look(_report));
    }

    [Fact]
    public void Look_SoundThatIsNotScored_IsToldOnceAnHour()
    {
        var watch = Watch(SystemCondition.WindowsLost);
        var totals = _report.Coverage("ast");
        void Lose(LossReason reason, double seconds) => totals.Add(CoverageState.Lost, reason, (long)(seconds * ModelTime.SampleRate));
        Assert.Empty(watch.Look(_report));
        Lose(LossReason.DeviceAway, 1000);
        Lose(LossReason.Overload, 29);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Empty(watch.Look(_report));
        Lose(LossReason.Overload, 2);
        _time.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal("31 s of sound were not scored", Assert.Single(watch.Look(_report)).Title);
        Lose(LossReason.Overload, 100);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Empty(watch.Look(_report));
        _time.Advance(TimeSpan.FromHours(1));
        Assert.Empty(watch.Look(_report));
        Lose(LossReason.Overload, 40);
        _time.Advance(TimeSpan.FromMinutes(1));
        Assert.Single(watch.Look(_report));
    }

    [Fact]
    public void Look_ADiskThatIsNearlyFull_IsToldOnceADay()
    {
        var watch = new SystemWatch(
            new SystemRule("r", [], [SystemCondition.DiskLow]) { Free = long.MaxValue / 4 }, Path.GetTempPath(), _time);

        var fault = Assert.Single(watch.Look(_report));
        Assert.Contains($"GB are free at {Path.GetTempPath()}", fault.Text, StringComparison.Ordinal);
        Assert.Empty(watch.Look(_report));
        _time.Advance(TimeSpan.FromHours(24));
        Assert.Single(watch.Look(_report));
        Assert.Empty(Watch(SystemCondition.DiskLow, free: 1).Look(_report));
    }

    private SystemWatch Watch(SystemCondition condition, long free = 1) =>
        new(new SystemRule("r", [], [condition]) { Free = free }, Path.GetTempPath(), _time);
}
