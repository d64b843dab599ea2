using AstStream.Events;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Sinks;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;
using Microsoft.Extensions.Time.Testing;

namespace AstStream.Tests.Streaming;

public sealed class SinkTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);
    private static readonly StreamInfo s_stream = new("yard/mic1", "yard");

    private readonly FakeTimeProvider _time = new() { AutoAdvanceAmount = TimeSpan.Zero };
    private readonly RunReport _report = new();

    public void Dispose() => _report.Dispose();

    [Theory]
    [InlineData(true, "dog 0.6")]
    [InlineData(false, "cat 0.6")]
    [InlineData(false, "dog 0.4")]
    [InlineData(false, "dog 0.49")]
    [InlineData(true, "dog 0.5")]
    [InlineData(false, "coverage")]
    public void Accepts_Filters_ByLabelScoreAndKind(bool expected, string record) =>
        Assert.Equal(
            expected, new SinkOptions { Labels = ["dog"], MinScore = 0.5, Streams = ["yard/*"], Models = ["m"] }.Accepts(Record(record)));

    [Fact]
    public void Accepts_OtherStreamModelOrKind_IsLeftOut()
    {
        Assert.False(new SinkOptions { Streams = ["house/*", "yard"] }.Accepts(Record("dog 0.6")));
        Assert.False(new SinkOptions { Models = ["birds"] }.Accepts(Record("dog 0.6")));
        Assert.False(new SinkOptions { Events = false, Coverage = true }.Accepts(Record("dog 0.6")));
        Assert.True(new SinkOptions { Events = false, Coverage = true, MinScore = 1 }.Accepts(Record("coverage")));
    }

    [Fact]
    public async Task WorkAsync_SinkFailsForATime_WritesEachRecordOnceInOrder()
    {
        var sink = new Flaky(failures: 6);
        var running = RunAsync(sink, new SinkOptions { Buffer = 4, RetryFor = TimeSpan.FromDays(100_000) }, 20);
        while (!running.IsCompleted)
        {
            await Task.Yield();
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        await running.WaitAsync(s_patience);

        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"label {i}"), sink.Written);
        Assert.Equal(6, sink.Failed);
    }

    [Fact]
    public async Task WorkAsync_SinkFailsForTooLong_IsOutAndComesBack()
    {
        var sink = new Flaky(failures: 15);
        var running = RunAsync(sink, new SinkOptions { RetryFor = TimeSpan.FromMinutes(1) }, 200, pace: TimeSpan.FromSeconds(5));
        await AdvanceAsync(running);

        await running.WaitAsync(s_patience);
        Assert.InRange(sink.Written.Count, 50, 195);
        Assert.Equal("label 199", sink.Written[^1]);
        Assert.Equal(200 - sink.Written.Count, _report.DroppedBySink["out"]);
        Assert.Equal("disk full", Assert.Single(_report.SinkErrors).Message);
        Assert.Equal(SinkState.Well, _report.Sinks["out"]);
    }

    [Fact]
    public async Task WorkAsync_SinkThatNeverWrites_IsOutAndTheRunGoesOn()
    {
        var running = RunAsync(new Flaky(failures: int.MaxValue), new SinkOptions { RetryFor = TimeSpan.FromMinutes(1) }, 20);
        await AdvanceAsync(running);

        await running.WaitAsync(s_patience);
        Assert.Equal(SinkState.Out, _report.Sinks["out"]);
        Assert.Equal(20, _report.DroppedBySink["out"]);
    }

    [Fact]
    public async Task WorkAsync_SinkFailsForTooLongAndStopsTheRun_IsAFaultThatNamesIt()
    {
        var running = RunAsync(
            new Flaky(failures: int.MaxValue), new SinkOptions { RetryFor = TimeSpan.FromMinutes(1), StopsRun = true }, 20);
        var start = _time.GetTimestamp();
        await AdvanceAsync(running);

        var e = await Assert.ThrowsAsync<NodeFaultException>(() => running.WaitAsync(s_patience));
        Assert.Equal("out: disk full", e.Message);
        Assert.True(_time.GetElapsedTime(start) >= TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task WorkAsync_RecordsOfAStreamThatSomebodyAnswersFor_WaitAndAreNeverDropped()
    {
        var delivery = new Delivery();
        var stream = new StreamInfo("key", "kafka") { Delivery = delivery };
        var sink = new Flaky(failures: 60);
        var edge = new Edge<StreamRecord>("out", 4);
        StreamRecord[] records = [.. Enumerable.Range(0, 20).Select(i => (StreamRecord)new SoundEvent($"{i}", EventState.Closed, stream,
            "m", $"label {i}", i, i + 1, 0.5f, 0.5f)), new StreamCheckpoint(stream, "m", 1, [], 0, 16_000, false)];
        var running = new DataflowGraph([new Writer(edge, records), new SinkNode(
            "out", edge, sink, new SinkOptions { RetryFor = TimeSpan.FromSeconds(10) }, _time, _report)]).RunAsync(CancellationToken.None);
        await AdvanceAsync(running);

        await running.WaitAsync(s_patience);
        Assert.Equal(Enumerable.Range(0, 20).Select(i => $"label {i}"), sink.Written);
        Assert.Equal(1, delivery.Completed);
        Assert.Empty(_report.DroppedBySink);
    }

    [Fact]
    public async Task WorkAsync_CheckpointsWithoutEnd_AreAnsweredAfterAFlushNowAndThen()
    {
        var delivery = new Delivery();
        var stream = new StreamInfo("key", "kafka") { Delivery = delivery };
        var edge = new Edge<StreamRecord>("out", 1000); // all of them wait at once
        var sink = new Flaky(0) { OnFlush = () => delivery.Completed };
        StreamRecord[] records = [.. Enumerable.Range(
            0, 400).Select(i => (StreamRecord)new StreamCheckpoint(stream, "m", i, [], 0, 16_000, false))];

        await new DataflowGraph([new Writer(edge, records), new SinkNode("out", edge, sink, new SinkOptions(), _time, _report)]).RunAsync(
            CancellationToken.None).WaitAsync(s_patience);

        Assert.Equal(400, delivery.Completed);
        Assert.All(sink.Flushes.Zip(sink.Flushes.Skip(1)), f => Assert.InRange(f.Second - f.First, 0, 64));
    }

    [Fact]
    public void SinkDrops_AgainAndAgain_IsToldOnceAMinute()
    {
        var log = new MemoryLog();
        using var report = new RunReport(log, _time);
        for (var second = 0; second < 150; second++)
        {
            report.SinkDrops("out");
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.Equal(3, log.Lines.Count);
        Assert.Equal(150, report.DroppedBySink["out"]);
    }

    [Fact]
    public async Task WorkAsync_FailureThatStays_IsNotTriedAgainAtOnce()
    {
        var sink = new Flaky(failures: int.MaxValue, isTransient: false);

        var e = await Assert.ThrowsAsync<NodeFaultException>(
            () => RunAsync(sink, new SinkOptions(), 1, isAlone: true).WaitAsync(s_patience));

        Assert.Equal("out: disk full", e.Message);
        Assert.Equal(1, sink.Failed);
    }

    [Fact]
    public async Task Tee_SlowSinkThatDrops_DoesNotHoldUpTheOther()
    {
        var release = new TaskCompletionSource();
        var (slow, fast) = (new Flaky(0) { Wait = release.Task }, new Flaky(0));
        var input = new Edge<StreamRecord>("tee", 4);
        var tee = new TeeNode("tee", input, _report);
        var nodes = new List<Node> { new Writer(input, 100, release), tee };
        foreach (var (name, sink, drops) in ((string, Flaky, bool)[])[("slow", slow, true), ("fast", fast, false)])
        {
            var options = new SinkOptions { Buffer = 3, Waits = !drops };
            var edge = new Edge<StreamRecord>(name, options.Buffer);
            tee.Connect(name, edge, options);
            nodes.Add(new SinkNode(name, edge, sink, options, _time, _report));
        }

        await new DataflowGraph(nodes).RunAsync(CancellationToken.None).WaitAsync(s_patience);

        Assert.Equal(100, fast.Written.Count);
        Assert.InRange(slow.Written.Count, 1, 10);
        Assert.Equal(slow.Written, fast.Written.Where(slow.Written.Contains));
    }

    private Task RunAsync(ISink sink, SinkOptions options, int records, TimeSpan? pace = null, bool isAlone = false)
    {
        var edge = new Edge<StreamRecord>("out", options.Buffer);
        return new DataflowGraph([new Writer(edge, records) { Pace = pace, Time = _time }, new SinkNode(
            "out", edge, sink, options, _time, _report, () => isAlone)]).RunAsync(CancellationToken.None);
    }

    private async Task AdvanceAsync(Task running)
    {
        while (!running.IsCompleted)
        {
            await Task.Delay(1);
            _time.Advance(TimeSpan.FromSeconds(1));
        }
    }

    private static StreamRecord Record(string what) => what == "coverage"
        ? new CoverageInterval(s_stream, "m", CoverageState.Lost, LossReason.Gap, 0, 16_000, 0)
        : new SoundEvent(
            "id", EventState.Closed, s_stream, "m", what.Split(' ')[0], 0, 1,
            float.Parse(what.Split(' ')[1], System.Globalization.CultureInfo.InvariantCulture), 0.5f);

    private sealed class Writer : Node
    {
        private readonly Edge<StreamRecord> _edge;
        private readonly IReadOnlyList<StreamRecord> _records;
        private readonly TaskCompletionSource? _done;

        public Writer(Edge<StreamRecord> edge, IReadOnlyList<StreamRecord> records, TaskCompletionSource? done = null)
            : base("writer")
        {
            _edge = WritesTo(edge);
            _records = records;
            _done = done;
        }

        public Writer(Edge<StreamRecord> edge, int count, TaskCompletionSource? done = null)
            : this(edge, [.. Enumerable.Range(
                0, count).Select(i => new SoundEvent($"{i}", EventState.Closed, s_stream, "m", $"label {i}", i, i + 1, 0.5f, 0.5f))], done)
        {
        }

        public TimeSpan? Pace { get; init; }

        public TimeProvider Time { get; init; } = TimeProvider.System;

        public override string Description => "writes events";

        protected override async Task WorkAsync(CancellationToken cancellation)
        {
            foreach (var record in _records)
            {
                await _edge.WriteAsync(record, cancellation);
                if (Pace is { } pace)
                    await Task.Delay(pace, Time, cancellation);
            }

            _done?.SetResult();
        }
    }

    private sealed class Delivery : IDelivery
    {
        public int Completed { get; private set; }

        public LocatedInput Locate(long start, long end) => default;

        public void Complete(StreamCheckpoint checkpoint) => Completed++;
    }

    private sealed class Flaky(int failures, bool isTransient = true) : ISink
    {
        public List<string> Written { get; } = [];

        public int Failed { get; private set; }

        public Task Wait { get; init; } = Task.CompletedTask;

        public Func<int>? OnFlush { get; init; }

        /// <summary>What <see cref="OnFlush"/> gave at each flush.</summary>
        public List<int> Flushes { get; } = [];

        public string Description => "fails at first";

        public ValueTask OpenAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

        public async ValueTask WriteAsync(StreamRecord record, CancellationToken cancellation)
        {
            await Wait;
            if (Failed < failures)
            {
                Failed++;
                throw new SinkException("disk full", isTransient);
            }

            Written.Add(((SoundEvent)record).Label);
        }

        public ValueTask FlushAsync(CancellationToken cancellation)
        {
            if (OnFlush is not null)
                Flushes.Add(OnFlush());
            return ValueTask.CompletedTask;
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
