using AstStream.Events;
using AstStream.Events.Decoding;
using AstStream.LoadTest;
using AstStream.Streaming.Decoding;
using AstStream.Streaming.FrontEnd;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Scheduling;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;
using AstStream.Tests.Dsp;

namespace AstStream.Tests.Streaming;

/// <summary>Runs alone: the pools of messages are shared by all graphs of the process.</summary>
[CollectionDefinition(nameof(AllocationTests), DisableParallelization = true)]
[Collection(nameof(AllocationTests))]
public class AllocationTests
{
    private static readonly WindowOptions s_options = new(32, 8, 128);

    [Fact]
    public async Task RunAsync_SourceToEvents_AllocatesNothingPerBlock()
    {
        // The same graph over a short and a long stream: what a run allocates must not depend on the number of blocks.
        // The JIT and the pools' growth allocate now and then, for the whole process: the quietest of several tries counts.
        var least = double.MaxValue;
        for (var i = 0; i < 8 && least > 0.1; i++)
            least = Math.Min(least, Math.Abs(await AllocatedAsync(22_000) - await AllocatedAsync(2_000)) / 20_000.0);

        Assert.InRange(least, 0, 8); // the smallest object has 24 bytes
    }

    [Fact]
    public void Process_ResampleToWindow_AllocatesNothingInTheSteadyState()
    {
        using var lane = new LaneAlone(44100, s_options);
        var samples = OnlineFbankTests.Noise(4410, 3);
        for (var i = 0; i < 100; i++)
            lane.Accept(samples);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            lane.Accept(samples);

        // A window now and then makes a queue grow, and the load is looked at twice a second.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 20_000);
    }

    private static async Task<long> AllocatedAsync(int blocks)
    {
        using var report = new RunReport();
        var time = TimeProvider.System;
        var scheduler = new WindowScheduler("m", s_options, new BatchOptions(), time, report);
        var (raw, records) = (new Edge<AudioBlock>("lane", 8), new Edge<StreamRecord>("end", 8));
        var output = new SourceOutput("s", _ => new LaneInput(raw, time), isLive: false, 0, 1, time, report);
        var source = new SourceNode("s", "noise", new Blocks(blocks), output, report, CancellationToken.None);
        source.WritesTo(raw);
        var thresholds = Enumerable.Repeat(1f, 4).ToArray();
        var decode = new DecodeNode(
            "events", scheduler,
            new DecodeOptions(
            new Vocabulary(["a", "b", "c", "d"]), new EventOptions { Thresholds = thresholds, ReleaseThresholds = thresholds },
            ""), records, report);
        var graph = new DataflowGraph([
            source, new LaneNode("lane", raw, [scheduler], isLive: false, report),
            new SessionNode("model", scheduler, _ => new SimulatedSession(4), "simulated", time, report), decode, new End(records)]);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        await graph.RunAsync(CancellationToken.None);
        return GC.GetTotalAllocatedBytes(precise: true) - before;
    }

    private sealed class Blocks(int count) : IAudioSource
    {
        private readonly float[] _samples = OnlineFbankTests.Noise(441, 3);

        public string Description => "noise";

        public bool IsLive => false;

        public async Task RunAsync(SourceOutput output, CancellationToken stop, CancellationToken cancellation)
        {
            var stream = new StreamInfo("s", "s");
            for (var i = 0; i < count; i++)
            {
                var block = AudioBlock.Rent(stream, i * 441L, 44100, 441);
                _samples.CopyTo(block.Samples);
                await output.WriteAsync(block, cancellation);
            }

            await output.EndAsync(stream, 44100, count * 441L, cancellation);
        }
    }

    private sealed class End(Edge<StreamRecord> edge) : Node("end")
    {
        public override string Description => "forgets records";

        protected override async Task WorkAsync(CancellationToken cancellation)
        {
            while (await edge.WaitToReadAsync())
            {
                while (edge.TryRead(out _))
                {
                }
            }
        }
    }
}
