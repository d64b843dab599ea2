using AstStream.Dsp;
using AstStream.Streaming;
using AstStream.Tests.Dsp;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace AstStream.Tests.Streaming;

public class WindowAssemblerTests
{
    private static readonly StreamInfo s_stream = new("s", "s");
    private static readonly WindowOptions s_options = new(32, 8, 128);

    [Fact]
    public void AcceptWaveform_LongStream_GivesWindowsEveryHopAndOneAtTheEnd()
    {
        // 20,000 samples: 123 frames; regular windows begin at 0, 8, ..., 88, and 3 frames more make a last one at 91.
        var windows = Windows(20_000);

        Assert.Equal([.. Enumerable.Range(0, 12).Select(i => i * 8 * 160L), 91 * 160L], windows.Select(w => w.Start));
        Assert.Equal(20_000, windows[^1].End);
    }

    [Fact]
    public void AcceptWaveform_ExactlyOneWindow_GivesOne()
    {
        var window = Assert.Single(Windows((int)FbankOptions.NumSamples(32)));
        Assert.Equal((0L, FbankOptions.NumSamples(32)), (window.CellStart, window.End));
    }

    [Fact]
    public void AcceptWaveform_ShortStream_IsPaddedAsTheExtractorPads()
    {
        var window = Assert.Single(Windows(400 + (160 * 9)));

        Assert.All(window.Features[(10 * 128)..], x => Assert.Equal(0, x)); // (0 - 0) / (2·0.5)
        Assert.Contains(window.Features[..(10 * 128)], x => x < -1);
        Assert.Equal((0L, 400 + (160L * 9)), (window.CellStart, window.CellEnd));
    }

    [Fact]
    public void AcceptWaveform_399Samples_GivesNoWindow() => Assert.Empty(Windows(399));

    [Fact]
    public void Break_Discontinuity_GoesOnAtTheGivenSample()
    {
        var assembler = new WindowAssembler(s_stream, s_options);
        var windows = new List<FeatureWindow>();
        assembler.AcceptWaveform(OnlineFbankTests.Noise(3000, 1), windows);
        assembler.Break(MessageKind.Discontinuity, 50_000, windows);
        assembler.AcceptWaveform(OnlineFbankTests.Noise(6000, 2), windows);
        assembler.Break(MessageKind.End, 0, windows);

        Assert.Equal([MessageKind.Data, MessageKind.Discontinuity, MessageKind.Data, MessageKind.Data, MessageKind.End], windows.Select(w => w.Kind));
        Assert.Equal([(0L, 3000L), (50_000, 53_320), (53_320, 56_000)], windows.Where(w => w.Kind == MessageKind.Data).Select(w => (w.CellStart, w.CellEnd)));
    }

    [Property(MaxTest = 200)]
    public Property AcceptWaveform_AnyChunkingAndLength_CellsCoverTheStreamAndFeaturesAreTheSame() => Prop.ForAll(
        Gen.Choose(0, 30_000).ToArbitrary(), ArbMap.Default.ArbFor<PositiveInt[]>(), Gen.Choose(1, 32).ToArbitrary(), (length, cuts, hop) =>
        {
            var options = s_options with { HopFrames = hop };
            var whole = Windows(length, options);
            var cut = Windows(length, options, cuts);
            return whole.Count == cut.Count
                && whole.Zip(cut).All(p => p.First.Start == p.Second.Start && p.First.Features.SequenceEqual(p.Second.Features))
                && (length < 400
                    ? whole.Count == 0
                    : whole[0].CellStart == 0 && whole.Zip(whole.Skip(1)).All(p => p.First.CellEnd == p.Second.CellStart)
                        && whole.All(w => w.CellEnd > w.CellStart) && (whole[^1].CellEnd == length || whole[^1].End == FbankOptions.NumSamples(FbankOptions.NumFrames(length))));
        });

    private static List<(long Start, long End, long CellStart, long CellEnd, float[] Features)> Windows(int length, WindowOptions? options = null, PositiveInt[]? cuts = null)
    {
        var assembler = new WindowAssembler(s_stream, options ?? s_options);
        var windows = new List<FeatureWindow>();
        var rest = OnlineFbankTests.Noise(length, 1).AsSpan();
        for (var i = 0; !rest.IsEmpty; i++)
        {
            var block = rest[..Math.Min(rest.Length, cuts is { Length: > 0 } ? 1 + (cuts[i % cuts.Length].Get * 57 % 5000) : int.MaxValue)];
            rest = rest[block.Length..];
            assembler.AcceptWaveform(block, windows);
        }

        assembler.Break(MessageKind.End, 0, windows);
        Assert.Equal(MessageKind.End, windows[^1].Kind);
        return [.. windows.SkipLast(1).Select(w => (w.Start, w.End, w.CellStart, w.CellEnd, w.Features.ToArray()))];
    }
}
