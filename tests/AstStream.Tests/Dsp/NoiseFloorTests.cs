using AstStream.Dsp;

namespace AstStream.Tests.Dsp;

public class NoiseFloorTests
{
    private const int Bins = 128;

    [Fact]
    public void Accept_ShortClickOverSteadyNoise_IsActive()
    {
        var floor = Learnt();

        // 3 nepers (26 dB) for one frame of 10 ms: the mean of a block hardly shows it.
        floor.Accept(Frame(new Random(2), rise: 3));

        Assert.False(floor.IsQuietSince(floor.Frames - 1));
        Assert.True(floor.IsQuietSince(floor.Frames));
    }

    [Fact]
    public void Accept_FaintLongSound_IsActive()
    {
        var floor = Learnt();
        var first = floor.Frames;

        // 0.45 nepers (4 dB), less than any single frame must rise by, for half a second.
        var random = new Random(3);
        for (var i = 0; i < 48; i++)
            floor.Accept(Frame(random, rise: 0.45f));

        Assert.False(floor.IsQuietSince(first));
    }

    [Fact]
    public void Accept_SteadyNoise_IsQuiet()
    {
        var floor = Learnt();

        Assert.True(floor.IsQuietSince(floor.Frames - 500));
        Assert.InRange(floor.Activity, 0, 0.05);
    }

    [Fact]
    public void TryReadColumn_SoundInAQuarterOfTheBands_IsItsRise()
    {
        var floor = Learnt();
        var random = new Random(4);
        var levels = new List<float>();
        for (var i = 0; i < 3 * NoiseFloor.ColumnFrames; i++)
        {
            var frame = Frame(random, 0);
            for (var bin = 0; bin < Bins / 4; bin++)
                frame[bin] += 4; // nepers: 17.4 dB
            floor.Accept(frame);
            while (floor.TryReadColumn(out var level))
                levels.Add(level);
        }

        Assert.Equal(3, levels.Count); // the floor was learnt in whole columns
        Assert.All(levels.Skip(1), l => Assert.InRange(l, 16, 19));
    }

    [Fact]
    public void TryReadColumn_SoundAtTheVeryStart_IsNotTakenForTheFloor()
    {
        var floor = new NoiseFloor(Bins);
        var random = new Random(5);
        var levels = new List<float>();
        for (var i = 0; i < NoiseFloor.FirstFrames; i++)
        {
            Assert.False(floor.TryReadColumn(out _));
            floor.Accept(Frame(random, rise: i < 64 ? 4 : 0));
        }

        while (floor.TryReadColumn(out var level))
            levels.Add(level);
        Assert.Equal(NoiseFloor.FirstFrames / NoiseFloor.ColumnFrames, levels.Count);
        Assert.All(levels[..4], l => Assert.True(l > ActivityDetector.Begins));
        Assert.All(levels[4..], l => Assert.True(l < ActivityDetector.GoesOn));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(NoiseFloor.FirstFrames - 1)]
    [InlineData(NoiseFloor.FirstFrames)]
    [InlineData(2_345)]
    public void Restore_AnywhereInAStream_GoesOnAsTheOneThatWasSaved(int savedAt)
    {
        var (whole, restored) = (new NoiseFloor(Bins), new NoiseFloor(Bins));
        var (first, second) = (new List<(float, long, double)>(), new List<(float, long, double)>());
        var random = new Random(6);
        for (var i = 0; i < 3_000; i++)
        {
            var frame = Frame(random, rise: random.Next(200) < 3 ? 5 : 0);
            whole.Accept(frame);
            if (i > savedAt)
                restored.Accept(frame);
            if (i == savedAt)
                restored.Restore(new BinaryReader(new MemoryStream(Saved(whole))));
            while (whole.TryReadColumn(out var level))
                first.Add((level, whole.LastActive, whole.Activity));
            while (i >= savedAt && restored.TryReadColumn(out var level))
                second.Add((level, restored.LastActive, restored.Activity));
        }

        Assert.NotEmpty(second);
        Assert.Equal(first[^second.Count..], second);
        Assert.Equal(whole.Frames, restored.Frames);
    }

    [Fact]
    public void Restore_OtherBandsOrCutShort_IsRefused()
    {
        var saved = Saved(Learnt());

        Assert.Throws<InvalidDataException>(() => new NoiseFloor(8).Restore(new BinaryReader(new MemoryStream(saved))));
        Assert.Throws<EndOfStreamException>(() => new NoiseFloor(Bins).Restore(new BinaryReader(new MemoryStream(saved[..^1]))));
        saved[37] = 200; // frames of a column
        Assert.Throws<InvalidDataException>(() => new NoiseFloor(Bins).Restore(new BinaryReader(new MemoryStream(saved))));
    }

    private static byte[] Saved(NoiseFloor floor)
    {
        var bytes = new MemoryStream();
        floor.Save(new BinaryWriter(bytes));
        return bytes.ToArray();
    }

    private static NoiseFloor Learnt()
    {
        var floor = new NoiseFloor(Bins);
        var random = new Random(1);
        for (var i = 0; i < 3_008; i++)
        {
            floor.Accept(Frame(random, 0));
            while (floor.TryReadColumn(out _))
            {
            }
        }

        return floor;
    }

    private static float[] Frame(
        Random random, float rise) => [.. Enumerable.Range(0, Bins).Select(_ => -5 + (2 * random.NextSingle()) - 1 + rise)];
}
