using AstStream.Streaming;
using AstStream.Tests.Dsp;

namespace AstStream.Tests.Streaming;

/// <summary>Runs alone: the pools of messages are shared by all graphs of the process.</summary>
[CollectionDefinition(nameof(AllocationTests), DisableParallelization = true)]
[Collection(nameof(AllocationTests))]
public class AllocationTests
{
    private static readonly StreamInfo s_stream = new("s", "s");
    private static readonly WindowOptions s_options = new(32, 8, 128);

    [Fact]
    public async Task RunAsync_SourceToWindow_AllocatesNothingPerBlock()
    {
        // The same graph over a short and a long stream: what a run allocates must not depend on the number of blocks.
        // The JIT and the pools' growth allocate now and then, for the whole process: the quietest of several tries counts.
        var least = double.MaxValue;
        for (var i = 0; i < 8 && least > 0.1; i++)
            least = Math.Min(least, Math.Abs(await AllocatedAsync(22_000) - await AllocatedAsync(2_000)) / 20_000.0);

        Assert.InRange(least, 0, 1);
    }

    [Fact]
    public void Process_ResampleToWindow_AllocatesNothingInTheSteadyState()
    {
        var resample = new ResampleNode("resample", new Edge<AudioBlock>("resample", 1));
        var fbank = new FbankNode("fbank", new Edge<AudioBlock>("fbank", 1), s_options, new RunReport());
        var samples = OnlineFbankTests.Noise(4410, 3);
        var blocks = new List<AudioBlock>();
        var windows = new List<FeatureWindow>();
        long position = 0;
        void Step()
        {
            var block = AudioBlock.Rent(s_stream, MessageKind.Data, position);
            block.SampleRate = 44100;
            samples.CopyTo(block.Resize(samples.Length));
            position += samples.Length;
            resample.Process(block, blocks);
            foreach (var b in blocks)
                fbank.Process(b, windows);
            foreach (var w in windows)
                w.Return();
            blocks.Clear();
            windows.Clear();
        }

        for (var i = 0; i < 100; i++)
            Step();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            Step();

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    private static async Task<long> AllocatedAsync(int blocks)
    {
        var (raw, resampled, windows) = (new Edge<AudioBlock>("resample", 8), new Edge<AudioBlock>("fbank", 8), new Edge<FeatureWindow>("end", 8));
        var resample = new ResampleNode("resample", raw);
        resample.ConnectTo(resampled);
        var fbank = new FbankNode("fbank", resampled, s_options, new RunReport());
        fbank.ConnectTo(windows);
        var graph = new DataflowGraph([new Blocks(raw, blocks), resample, fbank, new End(windows)]);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        await graph.RunAsync(CancellationToken.None);
        return GC.GetTotalAllocatedBytes(precise: true) - before;
    }

    private sealed class Blocks : Node
    {
        private readonly Edge<AudioBlock> _edge;
        private readonly int _count;
        private readonly float[] _samples = OnlineFbankTests.Noise(441, 3);

        public Blocks(Edge<AudioBlock> edge, int count)
            : base("source")
        {
            _edge = WritesTo(edge);
            _count = count;
        }

        public override string Description => "noise";

        protected override async Task WorkAsync(CancellationToken cancellation)
        {
            for (var i = 0; i < _count; i++)
            {
                var block = AudioBlock.Rent(s_stream, MessageKind.Data, i * 441L);
                block.SampleRate = 44100;
                _samples.CopyTo(block.Resize(_samples.Length));
                await _edge.WriteAsync(block, cancellation);
            }
        }
    }

    private sealed class End(Edge<FeatureWindow> edge) : Node("end")
    {
        public override string Description => "returns windows";

        protected override async Task WorkAsync(CancellationToken cancellation)
        {
            while (await edge.WaitToReadAsync())
            {
                while (edge.TryRead(out var window))
                    window.Return();
            }
        }
    }
}
