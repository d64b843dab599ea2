using AstStream.Connectors.Capture;

namespace AstStream.Tests.Capture;

public class HeardBeforeTests
{
    private const int Rate = 16_000;

    private static readonly float[] s_sound = Noise(1, 60 * Rate);

    [Theory]
    [InlineData(10)]
    [InlineData(2)]
    [InlineData(40)]
    public void Repeated_SoundOfBeforeTheBreak_IsCountedToItsEnd(int secondsAgo)
    {
        var before = Heard(50);

        var again = s_sound.AsSpan((50 - secondsAgo) * Rate, 2 * Rate);

        Assert.Equal(secondsAgo * Rate, before.Repeated(again, Rate));
    }

    [Fact]
    public void Repeated_AnotherDecodersStart_IsRecognised()
    {
        var before = Heard(50);
        var again = s_sound[(45 * Rate)..(47 * Rate)];
        Array.Clear(again, 0, 1000); // a decoder that needs the frame before gives silence first
        foreach (ref var sample in again.AsSpan())
            sample *= 0.9f;

        Assert.Equal(5 * Rate, before.Repeated(again, Rate));
    }

    [Fact]
    public void Repeated_NewSound_IsNew()
    {
        var before = Heard(50);

        Assert.Equal(0, before.Repeated(s_sound.AsSpan(50 * Rate, 2 * Rate), Rate));
        Assert.Equal(0, before.Repeated(Noise(2, 2 * Rate), Rate));
        Assert.Equal(0, before.Repeated(new float[2 * Rate], Rate));
        Assert.Equal(0, before.Repeated(s_sound.AsSpan(45 * Rate, 2 * Rate), Rate / 2));
        Assert.Equal(0, new HeardBefore().Repeated(s_sound.AsSpan(0, 2 * Rate), Rate));
    }

    [Fact]
    public void Repeated_TooLittleToTell_IsUnknown() => Assert.Null(Heard(50).Repeated(s_sound.AsSpan(45 * Rate, Rate / 5), Rate));

    [Fact]
    public void Repeated_HumThatNeverChanges_LeavesOutNextToNothing()
    {
        var hum = Enumerable.Range(0, 30 * Rate).Select(i => 0.1f * MathF.Sin(2 * MathF.PI * 50 * i / Rate)).ToArray();
        var before = new HeardBefore();
        before.Add(hum, Rate);

        Assert.InRange(before.Repeated(hum.AsSpan(0, 2 * Rate), Rate)!.Value, 0, Rate * 6 / 5);
    }

    private static HeardBefore Heard(int seconds)
    {
        var before = new HeardBefore();
        foreach (var part in s_sound[..(seconds * Rate)].Chunk(1600))
            before.Add(part, Rate);
        return before;
    }

    private static float[] Noise(int seed, int count)
    {
        var random = new Random(seed);
        return [.. Enumerable.Range(0, count).Select(_ => (float)(random.NextDouble() - 0.5))];
    }
}
