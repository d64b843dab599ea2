using AstStream.Learning.Evaluation;
using FsCheck;
using FsCheck.Xunit;

namespace AstStream.Tests.Learning;

public sealed class ThresholdRuleTests
{
    private static readonly double[] s_scores = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4];
    private static readonly bool[] s_isTrue = [true, false, true, true, false, false];

    [Theory]
    [InlineData("precision=0.75", 0.55, 0.75, 1, 0.5)] // three of four
    [InlineData("precision=0.8", 0.85, 1, 1 / 3.0, 0)]
    [InlineData("f1", 0.55, 0.75, 1, 0.5)]
    [InlineData("fp-per-hour=0", 0.85, 1, 1 / 3.0, 0)]
    [InlineData("fp-per-hour=1", 0.45, 0.6, 1, 1)] // two in two hours
    public void Choose_WorkedByHand_IsHalfwayBelowTheLastBelieved(
        string rule, double threshold, double precision, double recall, double rate)
    {
        var choice = ThresholdRule.TryParse(rule)!.Choose(s_scores, s_isTrue, hours: 2);
        Assert.Equal(threshold, choice.Threshold, 1e-9);
        Assert.Equal(precision, choice.Precision, 1e-9);
        Assert.Equal(recall, choice.Recall, 1e-9);
        Assert.Equal(rate, choice.FalsePerHour, 1e-9);
    }

    [Property]
    public bool AsScore_BetweenTwoScores_BelievesTheUpperOneAlone(NormalFloat a)
    {
        var wrong = (float)Math.Abs(a.Get % 1);
        var right = MathF.BitIncrement(wrong); // as near as scores can be
        var written = ThresholdRule.AsScore((wrong + (double)right) / 2);
        return wrong < written && right >= written && ThresholdRule.AsScore(written) == written;
    }

    [Fact]
    public void Choose_NoThresholdDoes_BelievesNothing() =>
        Assert.Equal(1, ThresholdRule.TryParse("precision=1")!.Choose([0.9, 0.5], [false, true], 1).Threshold);

    [Theory]
    [InlineData("precision=1.5")]
    [InlineData("precision=")]
    [InlineData("recall=1")]
    [InlineData("fp-per-hour=-1")]
    [InlineData("f1=1")]
    public void TryParse_NoRule_IsNull(string text) => Assert.Null(ThresholdRule.TryParse(text));

    [Property(MaxTest = 200)]
    public bool Choose_AnyScores_KeepsWhatItPromises(PositiveInt seed)
    {
        var random = new Random(seed.Get);
        double[] scores = [.. Enumerable.Range(0, 1 + random.Next(40)).Select(_ => random.Next(20) / 20.0)];
        bool[] isTrue = [.. scores.Select(s => random.NextDouble() < s)];
        var choice = ThresholdRule.TryParse("precision=0.7")!.Choose(scores, isTrue, 1);
        var believed = scores.Index().Where(s => s.Item >= choice.Threshold).Select(s => isTrue[s.Index]).ToList();
        return choice.Threshold == 1 || (believed.Count(b => b) / (double)believed.Count >= 0.7
            && Math.Abs(choice.Recall - (believed.Count(b => b) / (double)isTrue.Count(t => t))) < 1e-9);
    }
}
