using AstStream.Dsp;
using AstStream.Events;
using AstStream.Streaming.FrontEnd;
using AstStream.Streaming.Graph;
using AstStream.Streaming.Scheduling;
using AstStream.Streaming.Sources;
using AstStream.Streaming.Telemetry;
using AstStream.Tests.Dsp;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace AstStream.Tests.Streaming;

public class StreamFrontEndTests
{
    private static readonly WindowOptions s_options = new(32, 8, 128);

    [Fact]
    public void Accept_LongStream_GivesWindowsEveryHopAndOneAtTheEnd()
    {
        // 20,000 samples: 123 frames; regular windows begin at 0, 8, ..., 88, and 3 frames more make a last one at 91.
        using var stream = new Heard(s_options);
        var pieces = stream.Hear(20_000).End();

        Assert.Equal(
            [.. Enumerable.Range(0, 12).Select(i => i * 8 * 160L), 91 * 160L], pieces.Where(p => p.Frames > 0).Select(p => p.Start));
        Assert.Equal((PieceState.End, 20_000L), (pieces[^1].State, pieces[^1].CellEnd));
    }

    [Fact]
    public void Accept_ExactlyOneWindow_GivesOneAndTheTail()
    {
        using var stream = new Heard(s_options);
        var length = FbankOptions.NumSamples(32);

        Assert.Equal(
            [(PieceState.Waiting, 0L), (PieceState.Tail, 3320L), (PieceState.End, length)],
                stream.Hear((int)length).End().Select(p => (p.State, p.CellStart)));
    }

    [Fact]
    public void Accept_ShortStream_IsPaddedAsTheExtractorPads()
    {
        using var stream = new Heard(s_options);
        var window = stream.Hear(400 + (160 * 9)).End()[0];

        Assert.All(window.Features[(10 * 128)..], x => Assert.Equal(0, x)); // (0 - 0) / (2·0.5)
        Assert.Contains(window.Features[..(10 * 128)], x => x < -1);
        Assert.Equal((0L, 400 + (160L * 9)), (window.CellStart, window.CellEnd));
    }

    [Fact]
    public void Accept_399Samples_AreTooShort()
    {
        using var stream = new Heard(s_options);

        Assert.Equal(
            [(PieceState.Lost, LossReason.TooShort, 399L), (PieceState.End, LossReason.None, 399L)],
            stream.Hear(399).End().Select(p => (p.State, p.Reason, p.CellEnd)));
    }

    [Fact]
    public void Accept_Discontinuity_LosesTheGapAndGoesOnAtTheGivenSample()
    {
        using var stream = new Heard(s_options);
        var pieces = stream.Hear(3000).Skip(50_000, LossReason.DeviceAway).Hear(6000).End();

        Assert.Equal(
            [(PieceState.Waiting, 0L, 3000L), (PieceState.Lost, 3000, 50_000), (PieceState.Waiting, 50_000, 53_320),
                (PieceState.Waiting, 53_320, 56_000), (PieceState.End, 56_000, 56_000)],
            pieces.Select(p => (p.State, p.CellStart, p.CellEnd)));
        Assert.Equal(LossReason.DeviceAway, pieces[1].Reason);
    }

    [Fact]
    public void Accept_StretchedHop_CellsStillJoin()
    {
        using var stream = new Heard(s_options);
        stream.Hear(10_000);
        stream.Timeline.EffectiveHop = 24;
        stream.Hear(20_000);
        stream.Timeline.EffectiveHop = 8;
        var pieces = stream.Hear(10_000).End();

        var starts = pieces.Where(p => p.Frames > 0).Select(p => p.Start / 160).ToList();
        Assert.Equal([8, 24], starts.Zip(starts.Skip(1)).SkipLast(1).Select(p => p.Second - p.First).Distinct());
        Assert.All(pieces.Zip(pieces.Skip(1)), p => Assert.Equal(p.First.CellEnd, p.Second.CellStart));
    }

    [Theory]
    [InlineData(16_000, 17, "goes from sample 0 to 17 without a discontinuity")]
    [InlineData(48_000, 0, "changes from 16000 Hz to 48000 Hz without a discontinuity")]
    public void Accept_BlockThatDoesNotFit_Throws(int rate, long start, string message)
    {
        using var stream = new Heard(s_options);
        stream.Hear(0);
        var block = AudioBlock.Rent(stream.Stream, start, rate, 10);

        Assert.Equal(message, Assert.Throws<InvalidAudioException>(() => stream.FrontEnd.Accept(block, new float[16])).Message);
        block.Return();
    }

    [Fact]
    public void Accept_Positions_GoBeyondFourThousandMillionSamples()
    {
        // 2³¹ samples are 37 hours, 2³² are 75.
        foreach (var from in (long[])[(1L << 31) - 5000, (1L << 32) - 5000, 40L * 86_400 * 16_000])
        {
            using var stream = new Heard(s_options);
            var pieces = stream.Hear(3000).Skip(from, LossReason.Gap).Hear(20_000).End();

            Assert.Equal(from + 20_000, pieces[^1].CellEnd);
            Assert.Equal(from, pieces.First(p => p.CellStart >= from && p.Frames > 0).Start);
            Assert.All(pieces.Zip(pieces.Skip(1)), p => Assert.Equal(p.First.CellEnd, p.Second.CellStart));
        }
    }

    [Fact]
    public void Accept_GatedNoise_KeepsSoundAndLeavesOutWhatIsSteady()
    {
        using var stream = new Heard(s_options with { Gate = true });
        stream.Hear(30 * 16_000);
        var burst = OnlineFbankTests.Noise(3200, 9);
        foreach (ref var sample in burst.AsSpan())
            sample *= 8;
        stream.Hear(burst);
        var pieces = stream.Hear(10 * 16_000).End();

        var from = 30 * 16_000L;
        Assert.All(pieces.Where(p => p.Start + 5000 > from && p.Start < from + 3200 && p.State is PieceState.Waiting or PieceState.Gated)
            .Where(p => p.Start <= from && p.Start + FbankOptions.NumSamples(32) >= from + 3200),
            p => Assert.Equal(PieceState.Waiting, p.State));
        var steady = pieces.Where(p => p.CellStart > 15 * 16_000 && p.CellEnd < 29 * 16_000).ToList();
        Assert.True(steady.Count(p => p.State == PieceState.Gated) > steady.Count * 0.9,
            $"{steady.Count(p => p.State == PieceState.Gated)} of {steady.Count} steady windows were gated");
        Assert.All(pieces.Where(p => p.CellEnd < 9 * 16_000), p => Assert.Equal(PieceState.Waiting, p.State));
    }

    [Theory]
    [InlineData(5, true)] // a twentieth of a second of sound, every four seconds
    [InlineData(50, false)]
    public void Accept_SoundForAPartOfTheTime_IsQuietWhereThatIsLittle(int percent, bool isQuiet)
    {
        using var stream = new Heard(s_options);
        stream.Hear(30 * 16_000);
        for (var second = 0; second < 20; second++)
        {
            var samples = OnlineFbankTests.Noise(16_000, second);
            if (!isQuiet || second % 4 == 0)
            {
                foreach (ref var sample in samples.AsSpan(0, 160 * percent))
                    sample *= 8;
            }

            stream.Hear(samples);
        }

        Assert.Equal(isQuiet, stream.Timeline.IsQuiet);
    }

    [Property(MaxTest = 200)]
    public Property Accept_AnyChunkingLengthHopAndRate_CellsCoverTheStreamAndFeaturesAreTheSame() => Prop.ForAll(
        Gen.Choose(0, 30_000).ToArbitrary(), ArbMap.Default.ArbFor<PositiveInt[]>(),
            Gen.Choose(1, 32).Zip(Gen.Elements(8_000, 16_000, 44_100, 48_000)).ToArbitrary(), (length, cuts, how) =>
        {
            var (hop, rate) = how;
            var options = s_options with { HopFrames = hop };
            using var one = new Heard(options, rate);
            using var other = new Heard(options, rate);
            var whole = one.Hear(length).End();
            var samples = OnlineFbankTests.Noise(length, 1).AsSpan();
            for (var i = 0; !samples.IsEmpty; i++)
            {
                var size = Math.Min(samples.Length, cuts.Length > 0 ? 1 + (cuts[i % cuts.Length].Get * 57 % 5000) : int.MaxValue);
                other.Hear(samples[..size]);
                samples = samples[size..];
            }

            var cut = other.End();
            return whole.Count == cut.Count
                && whole.Zip(cut).All(
                    p => p.First.Start == p.Second.Start && p.First.State == p.Second.State
                    && p.First.Features.SequenceEqual(p.Second.Features))
                && whole[0].CellStart == 0 && whole.Zip(whole.Skip(1)).All(p => p.First.CellEnd == p.Second.CellStart)
                && whole.All(w => w.CellEnd > w.CellStart || w.State == PieceState.End)
                && whole[^1].CellEnd == ((length * 16_000L) + rate - 1) / rate;
        });

    /// <summary>A front end whose pieces are kept.</summary>
    private sealed class Heard : IDisposable
    {
        private readonly WindowScheduler _scheduler;
        private readonly RunReport _report = new();
        private readonly int _rate;
        private long _position;

        public Heard(WindowOptions options, int rate = 16_000)
        {
            _rate = rate;
            _scheduler = new WindowScheduler("m", options, new BatchOptions(), TimeProvider.System, _report);
            _scheduler.AddLane("lane", new Signal());
            Timeline = _scheduler.Open(Stream, isLive: false);
            FrontEnd = new StreamFrontEnd(new OnlineFbank(), rate, [new WindowCutter(Timeline, _scheduler)]);
        }

        public StreamInfo Stream { get; } = new("s", "s");

        public StreamTimeline Timeline { get; }

        public StreamFrontEnd FrontEnd { get; }

        public Heard Hear(int length) => Hear(OnlineFbankTests.Noise(length, 1));

        public Heard Hear(ReadOnlySpan<float> samples)
        {
            var block = AudioBlock.Rent(Stream, _position, _rate, samples.Length);
            samples.CopyTo(block.Samples);
            _position += samples.Length;
            return Accept(block);
        }

        public Heard Skip(long next, LossReason reason)
        {
            _position = next;
            return Accept(AudioBlock.Mark(Stream, MessageKind.Discontinuity, next, _rate, reason));
        }

        public List<Piece> End()
        {
            Accept(AudioBlock.Mark(Stream, MessageKind.End, _position, _rate));
            return [.. Timeline.Items.Select(
                w => new Piece(
                w.State, w.Reason, w.Start, w.CellStart, w.CellEnd, w.Frames, w.Frames > 0 ? Windows.Features(w, Timeline.Options) : []))];
        }

        public void Dispose()
        {
            FrontEnd.Dispose();
            _scheduler.Close();
            _report.Dispose();
        }

        private Heard Accept(AudioBlock block)
        {
            FrontEnd.Accept(block, new float[1000]);
            block.Return();
            return this;
        }
    }

    private sealed record Piece(
        PieceState State, LossReason Reason, long Start, long CellStart, long CellEnd, int Frames, float[] Features);
}
