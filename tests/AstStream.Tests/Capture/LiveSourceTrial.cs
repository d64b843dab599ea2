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

/// <summary>A live source over a link that does as a test says, on a clock of the test's own.</summary>
public abstract class LiveSourceTrial : IAsyncDisposable
{
    private protected const int Rate = 8_000;

    private protected static readonly DateTimeOffset s_start = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);
    private protected static readonly LiveOptions s_options = new()
    {
        Timeout = TimeSpan.FromSeconds(10),
        MinDelay = TimeSpan.FromSeconds(1),
        MaxDelay = TimeSpan.FromSeconds(8),
        StalledAfter = TimeSpan.FromSeconds(1),
        Settle = TimeSpan.FromSeconds(0.5),
        Tolerance = TimeSpan.FromMilliseconds(200),
    };

    private protected readonly FakeTimeProvider _time = new(s_start);
    private protected readonly RunReport _report;
    private protected readonly Edge<AudioBlock> _lane = new("lane", 100_000);
    private protected readonly CancellationTokenSource _stop = new();
    private protected readonly Link _link = new();
    private protected readonly List<(MessageKind Kind, long Start, int Length, int Rate, LossReason Reason)> _heard = [];
    private protected StreamInfo? _stream;
    private protected SourceHealth? _health;
    private protected Task _running = Task.CompletedTask;

    private protected LiveSourceTrial() => _report = new RunReport(time: _time);

    private protected long Samples => _heard.Where(b => b.Kind == MessageKind.Data).Sum(b => (long)b.Length);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _report.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected void Start(LiveOptions options, PcmFraming framing = PcmFraming.Raw)
    {
        _link.Framing = framing;
        _lane.AddWriter("source");
        var output = new SourceOutput("mic", _ => new LaneInput(_lane, _time), isLive: true, 0, 1, _time, _report);
        _running = new LiveSource(_link, options, _time, static () => 0.5).RunAsync(output, _stop.Token, CancellationToken.None);
        _health = _report.Health.Single();
    }

    /// <summary>Sound in real time, in pieces of 100 ms.</summary>
    private protected async Task PlayAsync(double seconds, int rate = Rate)
    {
        for (var left = (int)Math.Round(seconds * 10); left > 0; left--)
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            await SendAsync(0.1, rate);
        }
    }

    private protected async Task SendAsync(double seconds, int rate = Rate, double age = 0)
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
    private protected async Task PassAsync(double seconds)
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
    private protected async Task StartRecordsAsync()
    {
        Start(s_options, PcmFraming.Records);
        _link.Connect();
        await _link.SendAsync(PcmReaderTests.Header(Rate, 1));
        await PlayAsync(20);
    }

    /// <summary>The link breaks; seconds from then to the first try to open it again, and from each one to the next.</summary>
    private protected async Task<List<double>> TriesAsync(int count)
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

    private protected void Drain()
    {
        while (_lane.TryRead(out var block))
        {
            _stream = block.Stream;
            _heard.Add((block.Kind, block.Start, block.Samples.Length, block.SampleRate, block.Reason));
            block.Return();
        }
    }

    private protected void AssertJoined()
    {
        long next = 0;
        foreach (var block in _heard)
        {
            Assert.True(block.Kind == MessageKind.Discontinuity ? block.Start >= next : block.Start == next, $"{block} after {next}");
            next = block.Start + block.Length;
        }
    }

    private protected static async Task UntilAsync(Func<bool> isSo)
    {
        for (var i = 0; !isSo(); i++)
        {
            Assert.True(i < 3000, "it does not come to be");
            await Task.Delay(5);
        }
    }

    /// <summary>A link that opens, refuses and breaks as a test says.</summary>
    private protected sealed class Link : ILiveLink
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

    private protected sealed class Connection(PcmReader reader, ChannelStream bytes) : LiveConnection(reader)
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
    private protected sealed class ChannelStream : MemoryStream
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
