using AstStream.Connectors.Capture;
using AstStream.Connectors.Programs;
using AstStream.Events;
using AstStream.Streaming.Sources;

namespace AstStream.Tests.Capture;

/// <summary>What live sources do when links break, hang, burst and come back.</summary>
public sealed class LiveSourceTests : LiveSourceTrial
{
    [Fact]
    public async Task RunAsync_SteadySound_PassesAllOfItFromTheStartAtCapture()
    {
        Start(s_options);
        _link.Connect();
        await PlayAsync(20);

        Assert.All(_heard, b => Assert.Equal(MessageKind.Data, b.Kind));
        Assert.Equal(20 * Rate, Samples);
        Assert.Equal(s_start, _stream!.StartTime!.Value, TimeSpan.FromMilliseconds(1));
        Assert.Equal(SourceState.Running, _health!.State);
    }

    [Theory]
    [InlineData(0.3)]
    [InlineData(5)]
    [InlineData(600)]
    public async Task RunAsync_LinkBreaksAndComesBack_TheTimeBetweenIsLost(double seconds)
    {
        Start(s_options);
        _link.Connect();
        await PlayAsync(20);
        await _link.BreakAsync(new LinkException("unplugged"));
        await UntilAsync(() => _health!.State == SourceState.Away);
        await PassAsync(seconds);
        _link.Connect();
        await PassAsync(9);
        var waited = seconds + 9;
        await PlayAsync(5);

        Assert.Equal(25 * Rate, Samples);
        AssertJoined();
        Assert.Equal((long)((25 + waited) * Rate), _heard[^1].Start + _heard[^1].Length, 0.11 * Rate);
        Assert.All(_heard.Where(b => b.Kind == MessageKind.Discontinuity), b => Assert.Equal(LossReason.DeviceAway, b.Reason));
        Assert.Equal(SourceState.Running, _health!.State);
        Assert.Equal(1, _health.Reconnects);
    }

    [Fact]
    public async Task RunAsync_SoundComesLateInABurst_NothingIsLost()
    {
        Start(s_options);
        _link.Connect();
        await PlayAsync(20);
        await PassAsync(3);
        Assert.Equal(SourceState.Stalled, _health!.State);
        await SendAsync(3);
        await PlayAsync(5);

        Assert.All(_heard, b => Assert.Equal(MessageKind.Data, b.Kind));
        Assert.Equal(28 * Rate, Samples);
        Assert.Equal(SourceState.Running, _health.State);
    }

    [Theory]
    [InlineData(4)]
    [InlineData(9)]
    public async Task RunAsync_StreamStandsStill_ShowsAsAGap(double seconds)
    {
        Start(s_options);
        _link.Connect();
        await PlayAsync(20);
        await PassAsync(seconds);
        await PlayAsync(5);

        var gap = Assert.Single(_heard, b => b.Kind == MessageKind.Discontinuity);
        Assert.Equal(LossReason.Stalled, gap.Reason);
        Assert.Equal((20 + seconds) * Rate, gap.Start, 0.05 * Rate);
        Assert.Equal(25 * Rate, Samples);
        AssertJoined();
    }

    [Fact]
    public async Task RunAsync_MachineSleptForHours_ShowsAsAGap()
    {
        Start(s_options with { Timeout = null });
        _link.Connect();
        await PlayAsync(20);
        _time.Advance(TimeSpan.FromHours(8));
        await PlayAsync(5);

        Assert.Equal(25 * Rate, Samples);
        Assert.All(_heard.Where(b => b.Kind == MessageKind.Discontinuity), b => Assert.Equal(LossReason.Stalled, b.Reason));
        Assert.Equal((25 + (8 * 3600)) * Rate, _heard[^1].Start + _heard[^1].Length, 0.05 * Rate);
        AssertJoined();
    }

    [Fact]
    public async Task RunAsync_NothingComesForTooLong_LinkIsOpenedAnew()
    {
        Start(s_options);
        _link.Connect();
        await PlayAsync(20);
        _link.Connect();
        await PassAsync(15);
        await PlayAsync(5);

        Assert.Equal(2, _link.Opened);
        Assert.Equal(25 * Rate, Samples);
        Assert.Equal(40 * Rate, _heard[^1].Start + _heard[^1].Length, 0.6 * Rate);
        AssertJoined();
    }

    [Fact]
    public async Task RunAsync_ServerSendsOldSoundAtEveryReconnect_TimeDoesNotRunAhead()
    {
        Start(s_options);
        _link.Connect();
        await PlayAsync(20);
        for (var i = 0; i < 20; i++)
        {
            await _link.BreakAsync(new LinkException("cut"));
            _link.Connect();
            await PassAsync(10);
            await SendAsync(30); // a burst: longer than what was missed
            await PlayAsync(15);
        }

        Assert.Equal((20 + (20 * 25)) * Rate, _heard[^1].Start + _heard[^1].Length, 0.2 * Rate);
        AssertJoined();
    }

    [Fact]
    public async Task RunAsync_DeadEncoderGivesItsLastSecondsAgainAndAgain_TheyAreHeardOnce()
    {
        Start(s_options with { MayRepeat = true });
        var last = new byte[2 * 12 * Rate]; // what the server has kept, and gives to everyone who connects
        new Random(1).NextBytes(last);
        _link.Connect();
        foreach (var part in last.Chunk(Rate / 5))
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            await _link.SendAsync(part);
        }

        for (var i = 0; i < 20; i++)
        {
            await _link.BreakAsync(new LinkException("ended"));
            _link.Connect();
            await PassAsync(10);
            await _link.SendAsync(last);
            await PassAsync(5);
        }

        Assert.Equal(12 * Rate, Samples);
        Assert.Contains(_heard, b => b is { Kind: MessageKind.Discontinuity, Reason: LossReason.DeviceAway });
        Assert.Equal(0, _health!.Reconnects);
        AssertJoined();
    }

    [Theory]
    [InlineData(10)]
    [InlineData(6)]
    public async Task RunAsync_SoundInBurstsOfSeconds_NothingIsLostAndTimeIsKept(int seconds)
    {
        Start(s_options with { StalledAfter = TimeSpan.FromSeconds(seconds * 0.75), Timeout = TimeSpan.FromSeconds(15) });
        _link.Connect();
        for (var i = 0; i < 30; i++)
        {
            await SendAsync(seconds);
            await PassAsync(seconds);
        }

        Assert.All(_heard, b => Assert.Equal(MessageKind.Data, b.Kind));
        Assert.Equal(30 * seconds * Rate, Samples);

        // A reconnect: the first burst repeats what was heard.
        await _link.BreakAsync(new LinkException("cut"));
        _link.Connect();
        await PassAsync(9);
        await SendAsync(seconds);
        await PassAsync(seconds);
        await SendAsync(seconds);
        await PassAsync(1);
        Assert.Equal(((32 * seconds) + 9) * Rate, _heard[^1].Start + _heard[^1].Length, 0.6 * Rate);
        AssertJoined();
    }

    [Theory]
    [InlineData(5)]
    [InlineData(1800)]
    public async Task RunAsync_StopsWhileNothingComes_TheTimeIsLost(double seconds)
    {
        Start(s_options with { Timeout = null });
        _link.Connect();
        await PlayAsync(20);
        await PassAsync(seconds);
        if (seconds > 60)
            Assert.InRange(_heard[^1].Start, (seconds - 20) * Rate, (seconds + 21) * Rate); // passed on as it happens
        await _stop.CancelAsync();
        await _running;
        Drain();

        Assert.Equal(MessageKind.End, _heard[^1].Kind);
        Assert.Equal((20 + seconds) * Rate, _heard[^1].Start, 0.3 * Rate);
        Assert.All(_heard.Where(b => b.Kind == MessageKind.Discontinuity), b => Assert.Equal(LossReason.Stalled, b.Reason));
        Assert.Equal(20 * Rate, Samples);
    }

    [Fact]
    public async Task RunAsync_StoppedBehindAReconnect_WhatWasHeldIsHeard()
    {
        Start(s_options);
        _link.Connect();
        await PlayAsync(20);
        await _link.BreakAsync(new LinkException("cut"));
        _link.Connect();
        await PassAsync(5);
        await PlayAsync(0.3); // less than what is held
        await _stop.CancelAsync();
        await _running;
        Drain();

        Assert.Equal(20.3 * Rate, Samples, 1.0);
        AssertJoined();
    }

    [Fact]
    public async Task RunAsync_BreakBehindLateSound_StandsBehindIt()
    {
        await StartRecordsAsync();
        await PassAsync(5);
        await SendAsync(4, age: 1); // late, up to a second ago
        await _link.SendAsync(PcmReaderTests.Record(new byte[2 * Rate / 10], PcmReader.BreakFlag, null));
        await PlayAsync(5);

        var gap = Assert.Single(_heard, b => b.Kind == MessageKind.Discontinuity);
        Assert.Equal(LossReason.Overrun, gap.Reason);
        Assert.Equal(24.9 * Rate, gap.Start, 0.05 * Rate);
        AssertJoined();
    }

    [Fact]
    public async Task RunAsync_DeviceSaysItLostSamples_IsAnOverrun()
    {
        await StartRecordsAsync();
        await PassAsync(0.4); // that were lost
        await _link.SendAsync(PcmReaderTests.Record(new byte[1600], PcmReader.BreakFlag, null));
        await PlayAsync(5);

        var gap = Assert.Single(_heard, b => b.Kind == MessageKind.Discontinuity);
        Assert.Equal(LossReason.Overrun, gap.Reason);
        Assert.Equal(20.3 * Rate, gap.Start, 0.01 * Rate); // the record itself holds 100 ms
        Assert.Equal(1, _health!.Overruns);
        AssertJoined();
    }

    [Fact]
    public async Task RunAsync_LinkComesBackAtAnotherRate_TimeGoesOn()
    {
        await StartRecordsAsync();
        await _link.BreakAsync(new LinkException("cut"));
        _link.Connect();
        await PassAsync(10);
        await _link.SendAsync(PcmReaderTests.Header(2 * Rate, 1));
        await PlayAsync(5, 2 * Rate);

        var gap = Assert.Single(_heard, b => b.Kind == MessageKind.Discontinuity && b.Rate == 2 * Rate);
        Assert.Equal(30 * 2 * Rate, gap.Start, 0.1 * Rate);
        Assert.Equal(35 * 2 * Rate, _heard[^1].Start + _heard[^1].Length, 0.1 * Rate);
    }
}
