using System.Collections.Concurrent;
using System.Threading.Channels;
using AstStream.Connectors.Capture;
using AstStream.Connectors.Programs;
using AstStream.Dsp;
using AstStream.Events;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;
using Microsoft.Extensions.Time.Testing;

namespace AstStream.Tests.Capture;

/// <summary>What live sources do when links break, hang, burst and come back, on a clock of the test's own.</summary>
public sealed class LiveSourceTests : IAsyncDisposable
{
    private const int Rate = 8_000;

    private static readonly DateTimeOffset s_start = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly LiveOptions s_options = new()
    {
        Timeout = TimeSpan.FromSeconds(10),
        MinDelay = TimeSpan.FromSeconds(1),
        MaxDelay = TimeSpan.FromSeconds(8),
        StalledAfter = TimeSpan.FromSeconds(1),
        Settle = TimeSpan.FromSeconds(0.5),
        Tolerance = TimeSpan.FromMilliseconds(200),
    };

    private readonly FakeTimeProvider _time = new(s_start);
    private readonly RunReport _report;
    private readonly Edge<AudioBlock> _lane = new("lane", 100_000);
    private readonly CancellationTokenSource _stop = new();
    private readonly Link _link = new();
    private readonly List<(MessageKind Kind, long Start, int Length, int Rate, LossReason Reason)> _heard = [];
    private StreamInfo? _stream;
    private SourceHealth? _health;
    private Task _running = Task.CompletedTask;

    public LiveSourceTests() => _report = new RunReport(time: _time);

    private long Samples => _heard.Where(b => b.Kind == MessageKind.Data).Sum(b => (long)b.Length);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _report.Dispose();
    }

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
    [InlineData(7200)]
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

    private void Start(LiveOptions options, PcmFraming framing = PcmFraming.Raw)
    {
        _link.Framing = framing;
        _lane.AddWriter("source");
        var output = new SourceOutput("mic", _ => _lane, isLive: true, 0, 1, _time, _report);
        _running = new LiveSource(_link, options, _time, static () => 0.5).RunAsync(output, _stop.Token, CancellationToken.None);
        _health = _report.Health.Single();
    }

    /// <summary>Sound in real time, in pieces of 100 ms.</summary>
    private async Task PlayAsync(double seconds, int rate = Rate)
    {
        for (var left = (int)Math.Round(seconds * 10); left > 0; left--)
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            await SendAsync(0.1, rate);
        }
    }

    private async Task SendAsync(double seconds, int rate = Rate, double age = 0)
    {
        var bytes = new byte[2 * (int)Math.Round(seconds * rate)];
        for (var i = 0; i < bytes.Length; i += 2)
            bytes[i] = _link.Value;
        await _link.SendAsync(
            _link.Framing == PcmFraming.Records
            ? PcmReaderTests.Record(bytes, 0, age > 0 ? _time.GetUtcNow() - TimeSpan.FromSeconds(age) : null) : bytes);
        Drain();
    }

    /// <summary>Time passes without sound.</summary>
    private async Task PassAsync(double seconds)
    {
        for (var left = TimeSpan.FromSeconds(Math.Round(seconds, 1)); left > TimeSpan.Zero;)
        {
            var step = TimeSpan.FromSeconds(left > TimeSpan.FromMinutes(2) ? 2 : 0.1);
            _time.Advance(step);
            left -= step;
            if (left.Milliseconds % 500 == 0)
                await _link.SettleAsync();
        }

        await _link.SettleAsync();
        Drain();
    }

    /// <summary>A link whose records say when sound is missing, heard for 20 s.</summary>
    private async Task StartRecordsAsync()
    {
        Start(s_options, PcmFraming.Records);
        _link.Connect();
        await _link.SendAsync(PcmReaderTests.Header(Rate, 1));
        await PlayAsync(20);
    }

    /// <summary>The link breaks; seconds from then to the first try to open it again, and from each one to the next.</summary>
    private async Task<List<double>> TriesAsync(int count)
    {
        var tries = new List<double>();
        var (last, opened) = (_time.GetUtcNow(), _link.Opened);
        await _link.BreakAsync(new LinkException("cut"));
        while (tries.Count < count)
        {
            Assert.True(_time.GetUtcNow() - s_start < TimeSpan.FromHours(1), "it is not tried again");
            for (; opened < _link.Opened; opened++)
            {
                tries.Add((_time.GetUtcNow() - last).TotalSeconds);
                last = _time.GetUtcNow();
            }

            await _link.SettleAsync();
            _time.Advance(TimeSpan.FromMilliseconds(100));
        }

        Drain();
        return tries;
    }

    private void Drain()
    {
        while (_lane.TryRead(out var block))
        {
            _stream = block.Stream;
            _heard.Add((block.Kind, block.Start, block.Samples.Length, block.SampleRate, block.Reason));
            block.Return();
        }
    }

    private void AssertJoined()
    {
        long next = 0;
        foreach (var block in _heard)
        {
            Assert.True(block.Kind == MessageKind.Discontinuity ? block.Start >= next : block.Start == next, $"{block} after {next}");
            next = block.Start + block.Length;
        }
    }

    private static async Task UntilAsync(Func<bool> isSo)
    {
        for (var i = 0; !isSo(); i++)
        {
            Assert.True(i < 3000, "it does not come to be");
            await Task.Delay(5);
        }
    }

    /// <summary>A link that opens, refuses and breaks as a test says.</summary>
    private sealed class Link : ILiveLink
    {
        private readonly ConcurrentQueue<LinkException?> _answers = new();
        private readonly SemaphoreSlim _asked = new(0);
        private Connection? _connection;
        private int _waiting;
        private int _opened;

        public PcmFraming Framing { get; set; }

        public byte Value { get; set; } = 100;

        public int Opened => Volatile.Read(ref _opened);

        public string Description => "a test";

        public bool CanReopen => true;

        public void Connect() => Answer(null);

        public void Refuse(LinkException e) => Answer(e);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;

        public async Task<LiveConnection> OpenAsync(TimeSpan? patience, CancellationToken cancellation)
        {
            Interlocked.Increment(ref _waiting);
            await _asked.WaitAsync(cancellation);
            Interlocked.Decrement(ref _waiting);
            Interlocked.Increment(ref _opened);
            Assert.True(_answers.TryDequeue(out var refusal));
            if (refusal is not null)
                throw refusal;
            var bytes = new ChannelStream();
            var reader = new PcmReader(bytes, "a test", Framing, new PcmFormat(PcmEncoding.S16, Rate, 1));
            var connection = new Connection(reader, bytes);
            Volatile.Write(ref _connection, connection);
            await reader.ReadFormatAsync(cancellation);
            return connection;
        }

        /// <summary>Sends bytes, and waits until all of them have been read.</summary>
        public async Task SendAsync(byte[] bytes)
        {
            await UntilAsync(() => Volatile.Read(ref _connection) is { IsClosed: false });
            await _connection!.Bytes.SendAsync(bytes);
        }

        public async Task BreakAsync(LinkException why)
        {
            _connection!.Why = why;
            var connection = _connection;
            await connection.Bytes.EndAsync();
            await UntilAsync(() => connection.IsClosed);
        }

        /// <summary>Waits until nothing goes on but waiting for sound, for an answer, or for time.</summary>
        public async Task SettleAsync()
        {
            await Task.Yield();
            await UntilAsync(() => Volatile.Read(ref _waiting) > 0 ? _answers.IsEmpty : true);
            await Task.Delay(1);
        }

        private void Answer(LinkException? e)
        {
            _answers.Enqueue(e);
            _asked.Release();
        }
    }

    private sealed class Connection(PcmReader reader, ChannelStream bytes) : LiveConnection(reader)
    {
        private volatile bool _isClosed;

        public ChannelStream Bytes => bytes;

        public LinkException Why { get; set; } = new("ended");

        public bool IsClosed => _isClosed;

        public override Task<LinkException> WhyEndedAsync() => Task.FromResult(Why);

        public override ValueTask DisposeAsync()
        {
            _isClosed = true;
            return ValueTask.CompletedTask;
        }
    }

    /// <summary>Bytes that are read as they are sent; who sends knows when the reader wants more.</summary>
    private sealed class ChannelStream : MemoryStream
    {
        private readonly Channel<byte[]> _sent = Channel.CreateBounded<byte[]>(1000);
        private readonly SemaphoreSlim _wanted = new(0);
        private ReadOnlyMemory<byte> _rest;

        public async Task SendAsync(byte[] bytes)
        {
            while (_wanted.Wait(0))
            {
                // of before
            }

            Assert.True(_sent.Writer.TryWrite(bytes));
            Assert.True(await _wanted.WaitAsync(TimeSpan.FromSeconds(20)), "nobody reads");
        }

        public Task EndAsync()
        {
            _sent.Writer.TryComplete();
            return Task.CompletedTask;
        }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (_rest.IsEmpty)
            {
                if (!_sent.Reader.TryRead(out var next))
                {
                    _wanted.Release();
                    try
                    {
                        next = await _sent.Reader.ReadAsync(cancellationToken);
                    }
                    catch (ChannelClosedException)
                    {
                        return 0;
                    }
                }

                _rest = next;
            }

            var count = Math.Min(buffer.Length, _rest.Length);
            _rest[..count].CopyTo(buffer);
            _rest = _rest[count..];
            return count;
        }
    }
}
