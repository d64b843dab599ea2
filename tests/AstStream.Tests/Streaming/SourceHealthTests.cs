using AstStream.Events;
using AstStream.Streaming.Telemetry;
using Microsoft.Extensions.Time.Testing;

namespace AstStream.Tests.Streaming;

public class SourceHealthTests
{
    [Fact]
    public void SoundCame_AfterAWhile_ItRunsAndItsLastSoundIsNow()
    {
        var time = new FakeTimeProvider();
        using var report = new RunReport(time: time);
        var health = new SourceHealth("kafka", "kafka", time, report);
        health.Become(SourceState.Stalled, "no sound yet");
        time.Advance(TimeSpan.FromSeconds(100));

        health.SoundCame();
        time.Advance(TimeSpan.FromSeconds(3));

        Assert.Equal((SourceState.Running, 3), (health.State, health.SinceLastBlock));
    }

    [Fact]
    public void Accept_AnotherRate_SilenceIsCountedInItsSeconds()
    {
        using var report = new RunReport();
        var health = new SourceHealth("mic", "mic", TimeProvider.System, report);
        health.Accept(Enumerable.Repeat(0.1f, 48_000).ToArray(), 48_000);

        health.Accept(new float[11 * 16_000], 16_000);

        Assert.Equal(SourceState.Silent, health.State);
    }
}
