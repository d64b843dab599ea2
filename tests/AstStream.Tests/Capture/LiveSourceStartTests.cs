using AstStream.Connectors.Programs;
using AstStream.Events;
using AstStream.Streaming.Sources;

namespace AstStream.Tests.Capture;

/// <summary>What live sources do where nothing is there, in all kinds of faults, and over long times.</summary>
public sealed class LiveSourceStartTests : LiveSourceTrial
{
    [Fact]
    public async Task RunAsync_NotThereAtTheStart_Fails()
    {
        Start(s_options);
        _link.Refuse(new LinkException("no such device"));
        await _running;

        Assert.Equal("no such device", Assert.Single(_report.Errors).Message);
        Assert.Equal(SourceState.Failed, _health!.State);
    }

    [Fact]
    public async Task RunAsync_NotThereAtTheStart_IsWaitedForWhereThatIsSaid()
    {
        Start(s_options with { WaitsAtStart = true });
        _link.Refuse(new LinkException("no such device"));
        await UntilAsync(() => _health!.State == SourceState.Away);
        _link.Connect();
        await PassAsync(3);
        await PlayAsync(2);
        Assert.Equal(2 * Rate, Samples);
        Assert.Empty(_report.Errors);
    }

    [Fact]
    public async Task RunAsync_NothingToBeDoneAboutIt_FailsAtOnceEvenWhereItWaits()
    {
        Start(s_options with { WaitsAtStart = true });
        _link.Refuse(new LinkException("two devices match") { IsFinal = true });
        await _running;

        Assert.Equal("two devices match", Assert.Single(_report.Errors).Message);
    }

    [Fact]
    public async Task RunAsync_AwayForLong_WaitsGrowToTheirLimitAndBeginAnewAfterHealth()
    {
        Start(s_options);
        _link.Connect();
        await PlayAsync(20);
        for (var i = 0; i < 12; i++)
            _link.Refuse(new LinkException("refused"));
        var tries = await TriesAsync(12);
        Assert.True(tries[0] < 0.5, "a source that was well is opened again at once");
        Assert.All(tries.Skip(1).Take(1), t => Assert.InRange(t, 0.3, 3));
        Assert.All(tries.Skip(6), t => Assert.InRange(t, 2, 9));
        Assert.InRange(tries.Skip(6).Average(), 4, 9);

        _link.Connect();
        await PassAsync(9);
        await PlayAsync(15);
        for (var i = 0; i < 2; i++)
            _link.Refuse(new LinkException("refused"));
        tries = await TriesAsync(2);
        Assert.InRange(tries[1], 0.3, 3);
    }

    [Fact]
    public async Task RunAsync_AnyFaults_BlocksJoinAndTimeIsKept()
    {
        var random = new Random(5);
        Start(s_options);
        _link.Connect();
        await PlayAsync(30);
        for (var i = 0; i < 60; i++)
        {
            switch (random.Next(4))
            {
                case 0:
                    await _link.BreakAsync(new LinkException("cut", random.Next(2) == 0 ? LossReason.DecodeError : LossReason.DeviceAway));
                    for (var refused = random.Next(4); refused > 0; refused--)
                        _link.Refuse(new LinkException("refused"));
                    await PassAsync(random.Next(20, 60));
                    _link.Connect();
                    await PassAsync(9);
                    await SendAsync(random.NextDouble() * 10);
                    break;
                case 1:
                    await PassAsync(random.NextDouble() * 9);
                    break;
                case 2:
                    var late = random.NextDouble() * 8;
                    await PassAsync(late);
                    await SendAsync(late);
                    break;
                default:
                    await PlayAsync(random.Next(1, 40));
                    break;
            }

            await PlayAsync(12);
        }

        AssertJoined();
        Assert.Equal((_time.GetUtcNow() - s_start).TotalSeconds * Rate, _heard[^1].Start + _heard[^1].Length, 0.6 * Rate);
    }

    [Fact]
    public async Task RunAsync_DriftIsCorrected_TimesFollowTheClock()
    {
        Start(s_options with { CorrectsDrift = true });
        _link.Connect();
        for (var i = 0; i < 6000; i++)
        {
            _time.Advance(TimeSpan.FromTicks(1_000_200)); // 100 ms and 20 µs: the device is 200 ppm slow
            await SendAsync(0.1);
        }

        Assert.Equal(-200, _health!.DriftPpm, 2.0);
        Assert.Equal(_time.GetUtcNow(), _stream!.TimeAt(600)!.Value, TimeSpan.FromMilliseconds(20));
        Assert.Equal(s_start, _stream.TimeAt(0)!.Value, TimeSpan.FromMilliseconds(200));
    }

    [Fact]
    public async Task RunAsync_ExactZeros_IsSilentUntilSoundComes()
    {
        Start(s_options);
        _link.Connect();
        await PlayAsync(2);
        _link.Value = 0;
        await PlayAsync(11);
        Assert.Equal(SourceState.Silent, _health!.State);
        _link.Value = 100;
        await PlayAsync(1);

        Assert.Equal(SourceState.Running, _health.State);
        Assert.All(_heard, b => Assert.Equal(MessageKind.Data, b.Kind));
    }
}
