using AstStream.Dsp;
using AstStream.Streaming;
using AstStream.Tests.Dsp;

namespace AstStream.Tests.Streaming;

/// <summary>Runs alone: the pools of messages are shared by all graphs of the process.</summary>
[CollectionDefinition(nameof(AllocationTests), DisableParallelization = true)]
[Collection(nameof(AllocationTests))]
public class AllocationTests
{
    private static readonly StreamInfo s_stream = new("s", "s");
    private static readonly WindowOptions s_options = new(32, 8, 128, new FeatureNormalization(0, 0.5f));

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
}
