using AstStream.Connectors.Capture;
using AstStream.Streaming.Clocks;

namespace AstStream.Tests.Capture;

public class CaptureClockTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(50)]
    [InlineData(-120)]
    public void DriftPpm_JitteryArrivals_IsTheDevicesWithinOnePpm(double ppm)
    {
        var clock = new CaptureClock();
        var random = new Random(1);
        clock.Begin(100, 0.1);
        for (var place = 0.1; place < 600; place += 0.1)
            clock.Heard(100.0 - 0.1 + 0.1 + (place / (1 + (ppm * 1e-6))) + (random.NextDouble() * 0.02), place);

        Assert.Equal(ppm, clock.DriftPpm!.Value, 1.0);
    }

    [Fact]
    public void DriftPpm_FirstMinute_IsNotKnown()
    {
        var clock = new CaptureClock();
        clock.Begin(0, 0);
        for (var place = 0.1; place < 55; place += 0.1)
            clock.Heard(place, place);

        Assert.Null(clock.DriftPpm);
    }

    [Fact]
    public void PlaceAt_AfterABreak_IsWhereTheLeastLagPutsIt()
    {
        var clock = new CaptureClock();
        clock.Begin(10, 0.5);
        clock.Heard(20.3, 10.5); // 0.3 late
        clock.Heard(20.45, 10.9); // 0.05 late

        clock.Break(30);

        Assert.Equal(0.05, clock.Lag, 1e-9);
        Assert.Equal(100.0 - 9.5 - 0.05, clock.PlaceAt(100), 1e-9);
    }

    [Fact]
    public void Creep_SamplesLostInSmallPieces_IsSeen()
    {
        var clock = new CaptureClock();
        clock.Begin(0, 0);
        var now = 0.0;
        var place = 0.0;
        void Hear(double seconds, double lost)
        {
            for (var end = now + seconds; now < end;)
            {
                now += 0.1;
                place += 0.1 * (1 - lost);
                clock.Heard(now, place);
            }
        }

        Hear(60, 0);
        Assert.Equal(0, clock.Creep, 0.01);
        Hear(60, 0.02);

        Assert.InRange(clock.Creep, 0.25, 1.2);
    }

    [Theory]
    [InlineData(4.1)]
    [InlineData(6.0)]
    [InlineData(9.7)]
    [InlineData(10.3)]
    public void Creep_SoundInBurstsOfSeconds_IsNotTakenForLoss(double seconds)
    {
        var clock = new CaptureClock();
        clock.Begin(0, 0);
        var worst = 0.0;
        for (var burst = 1; burst < 30; burst++)
        {
            for (var part = 1; part <= 10; part++)
            {
                clock.Heard((burst * seconds) + (part * 0.05), ((burst - 1) * seconds) + (part * seconds / 10));
                worst = Math.Max(worst, clock.Creep);
            }
        }

        Assert.InRange(worst, 0, 0.2);
    }

    [Fact]
    public void BootClock_Timestamps_AreTheKernels()
    {
        var seconds = double.Parse(File.ReadAllText("/proc/uptime").Split(' ')[0], System.Globalization.CultureInfo.InvariantCulture);

        Assert.Equal(seconds, BootClock.Instance.GetTimestamp() / (double)BootClock.Instance.TimestampFrequency, 5.0);
    }
}
