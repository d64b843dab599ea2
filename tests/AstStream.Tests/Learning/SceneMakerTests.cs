using AstStream.Learning.Evaluation;
using FsCheck;
using FsCheck.Xunit;

namespace AstStream.Tests.Learning;

public sealed class SceneMakerTests
{
    private const int Rate = 16_000;

    [Theory]
    [InlineData(15)]
    [InlineData(-3)]
    public void Fill_Tone_IsWhereAndAsLoudAsTheTableSays(double snr)
    {
        var maker = new SceneMaker(new SceneOptions { Length = 20, Events = 4, Snr = snr }, seed: 3);
        var background = maker.Background([]);
        var scene = (float[])background.Clone();
        var tone = Tone(1.5);

        var events = maker.Fill("a", scene, Enumerable.Repeat((tone, "tone"), 10));

        Assert.Equal(4, events.Count);
        Assert.Equal(-45, SceneMaker.Level(background), 0.01);
        foreach (var e in events)
        {
            var (start, end) = ((int)Math.Round(e.Onset * Rate), (int)Math.Round(e.Offset * Rate));
            Assert.Equal(1.5, e.Offset - e.Onset, 1e-9);
            float[] added = [.. Enumerable.Range(start, end - start).Select(i => scene[i] - background[i])];
            Assert.Equal(snr, SceneMaker.Level(added) - SceneMaker.Level(background.AsSpan(start, end - start)), 0.1);
        }

        // Nothing elsewhere, and half a second between two.
        for (var i = 0; i < scene.Length; i++)
            if (!events.Any(e => i >= (e.Onset * Rate) - 0.5 && i < (e.Offset * Rate) + 0.5))
                Assert.Equal(background[i], scene[i]);
        Assert.All(events.Zip(events.Skip(1)), pair => Assert.True(pair.First.Offset + 0.5 <= pair.Second.Onset + 1e-9));
    }

    [Fact]
    public void Sounding_SilenceAround_IsCutAway()
    {
        var maker = new SceneMaker(new SceneOptions { LongestEvent = 2 }, seed: 1);
        float[] padded = [.. new float[Rate], .. Tone(0.5).ToArray(), .. new float[Rate]];
        Assert.Equal(0.5 * Rate, maker.Sounding(padded).Length, 320.0);
        Assert.Equal(2 * Rate, maker.Sounding(Tone(5)).Length);
        Assert.True(maker.Sounding(new float[Rate]).IsEmpty);
        Assert.True(maker.Sounding(new float[10]).IsEmpty);
    }

    [Property(MaxTest = 30)]
    public bool Fill_AnySeed_IsTheSameAgainAndNeverClips(int seed, bool overlaps)
    {
        (float[] Scene, IReadOnlyList<TimedLabel> Events) Make()
        {
            var options = new SceneOptions { Length = 6, Events = 8, Snr = 60, Overlaps = overlaps, BackgroundLevel = -20 };
            var maker = new SceneMaker(options, seed);
            var scene = maker.Background(Tone(0.3).Span);
            return (scene, maker.Fill("a", scene, Enumerable.Repeat((Tone(1), "tone"), 8)));
        }

        var (scene, events) = Make();
        var again = Make();
        return scene.AsSpan().SequenceEqual(again.Scene) && events.SequenceEqual(again.Events) && scene.Max(MathF.Abs) <= 0.9501f
            && events.All(e => e.Onset >= 0 && e.Offset <= 6) && (overlaps ? events.Count == 8 : events.Count is >= 1 and <= 4);
    }

    private static ReadOnlyMemory<float> Tone(double seconds) => Enumerable.Range(0, (int)(seconds * Rate))
        .Select(i => 0.3f * (float)Math.Sin(2 * Math.PI * 440 * i / Rate)).ToArray();
}
