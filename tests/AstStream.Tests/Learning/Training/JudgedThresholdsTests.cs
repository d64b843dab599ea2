using AstStream.Learning.Training;
using FsCheck.Xunit;

namespace AstStream.Tests.Learning.Training;

public sealed class JudgedThresholdsTests
{
    [Fact]
    public void Choose_WrongOnesUnderRightOnes_IsJustAboveTheWrongOnes()
    {
        var chosen = JudgedThresholds.Choose([[(0.2, false), (0.31, false), (0.6, true), (0.9, true)]], [0.1]);

        Assert.Equal(0.32, Assert.Single(chosen), 1e-9);
    }

    /// <summary>One right event among many says little: where others have wrong ones counts, too.</summary>
    [Fact]
    public void Choose_FewOfALabel_GoesByAllLabels()
    {
        (double, bool)[] many = [.. Enumerable.Repeat((0.3, false), 20), .. Enumerable.Repeat((0.8, true), 20)];

        var chosen = JudgedThresholds.Choose([many, [(0.5, true)], []], [0.1, 0.1, 0.6]);

        Assert.Equal([0.31, 0.31, 0.6], chosen.Select(t => Math.Round(t, 9)));
    }

    [Fact]
    public void Choose_WrongOnesAlone_ReportsNoneOfThem()
    {
        var chosen = JudgedThresholds.Choose([[(0.4, false), (0.7, false)]], [0.25]);

        Assert.Equal(0.71, Assert.Single(chosen), 1e-9);
    }

    /// <summary>Of one label alone no step makes fewer mistakes, and none that makes as few is lower.</summary>
    [Property]
    public void Choose_AnyEventsOfALabel_MakesTheFewestMistakes(byte[] scores, byte floor)
    {
        List<(double Score, bool IsRight)> judged = [.. scores.Select(s => (s / 256.0, s % 3 != 0))];
        var least = (floor + 4) / 300.0;
        int Mistakes(double threshold) => judged.Count(j => j.Score >= threshold != j.IsRight);

        var chosen = Assert.Single(JudgedThresholds.Choose([judged], [least]));

        Assert.True(chosen >= least);
        double[] steps = [.. Enumerable.Range(1, 99).Select(i => i / 100.0).Where(t => t > least), least];
        Assert.Equal(steps.Min(Mistakes), Mistakes(chosen));
        Assert.DoesNotContain(steps, t => t < chosen && Mistakes(t) <= Mistakes(chosen));
    }
}
