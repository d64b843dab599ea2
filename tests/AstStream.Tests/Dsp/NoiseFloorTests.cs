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

    private static NoiseFloor Learnt()
    {
        var floor = new NoiseFloor(Bins);
        var random = new Random(1);
        for (var i = 0; i < 3 * NoiseFloor.LearningFrames; i++)
            floor.Accept(Frame(random, 0));
        return floor;
    }

    private static float[] Frame(
        Random random, float rise) => [.. Enumerable.Range(0, Bins).Select(_ => -5 + (2 * random.NextSingle()) - 1 + rise)];
}
