using AstStream.Learning.Training;

namespace AstStream.Tests.Learning.Training;

/// <summary>Beside a fit by Newton's method in PyTorch, in float64, over the same made rows.</summary>
public sealed class HeadFitTests
{
    private const int Rows = 60;
    private const int Features = 4;
    private const int Classes = 3;

    private static readonly double[][] s_plain =
    [
        [0.666771, 0.204714, 0.152594, -0.648629, -0.462207], [0.546354, 0.626338, 0.72249, -0.323398, -0.987938],
        [-0.264784, -0.305043, 1.845794, -0.783915, -0.640396],
    ];
    private static readonly double[][] s_balanced =
    [
        [0.662967, 0.200065, 0.145705, -0.639487, -0.260571], [0.608939, 0.661122, 0.731811, -0.223037, -0.400772],
        [-0.303387, -0.306372, 1.944178, -0.864505, -0.073705],
    ];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Fit_MadeRows_IsTheMinimumThatNewtonFinds(bool isBalanced)
    {
        var fit = new HeadFit(Made(), Classes, isBalanced);
        var parameters = fit.Begin();
        fit.Fit(parameters, 0.01, CancellationToken.None);
        var head = fit.Head(parameters);

        foreach (var (c, expected) in (isBalanced ? s_balanced : s_plain).Index())
        {
            for (var f = 0; f < Features; f++)
                Assert.Equal(expected[f], head.Weights[(c * Features) + f], 2e-3);
            Assert.Equal(expected[Features], head.Bias[c], 2e-3);
        }
    }

    /// <summary>The stronger the ridge, the nearer to what is known already.</summary>
    [Fact]
    public void Fit_FromAKnownHead_StaysNearItUnderAStrongRidge()
    {
        float[] known = [1, -2, 0.5f, 3];
        LogisticHead Fitted(double ridge)
        {
            var prior = new Dictionary<int, (float[] Weights, float Bias)> { [1] = (known, 0.25f) };
            var fit = new HeadFit(Made(), Classes, isBalanced: false, prior);
            var parameters = fit.Begin();
            var begin = fit.Head(parameters);
            Assert.Equal(0.25f, begin.Bias[1], 1e-5f);
            for (var f = 0; f < Features; f++)
                Assert.Equal(known[f], begin.Weights[Features + f], 1e-5f);
            fit.Fit(parameters, ridge, CancellationToken.None);
            return fit.Head(parameters);
        }

        double Away(LogisticHead head) => Enumerable.Range(0, Features).Sum(f => Math.Abs(head.Weights[Features + f] - known[f]));
        Assert.InRange(Away(Fitted(1000)), 0, 0.01);
        Assert.True(Away(Fitted(0.01)) > 1);
    }

    /// <summary>Of a class that is known they are as much as it says; of another one they say nothing.</summary>
    [Fact]
    public void Fit_RowsThatNobodyJudged_LeaveTheScoresAsTheyAre()
    {
        float[] known = [1, -2, 0.5f, 3];
        var rows = Made();
        LogisticHead Fitted(IEnumerable<TrainingRow> fitted)
        {
            var fit = new HeadFit(
                [.. fitted], Classes, isBalanced: false, new Dictionary<int, (float[] Weights, float Bias)> { [1] = (known, 0.25f) });
            var parameters = fit.Begin();
            fit.Fit(parameters, 1e-4, CancellationToken.None);
            return fit.Head(parameters);
        }

        var unjudged = Fitted(rows.Select(r => r with { Judged = [] }));
        for (var f = 0; f < Features; f++)
        {
            Assert.Equal(known[f], unjudged.Weights[Features + f], 1e-2);
            Assert.Equal(0, unjudged.Weights[f]);
        }

        // What is said of one class does not say that others are not there: they are unknown where nothing is known of them.
        var one = Fitted(rows.Select(r => r with { Judged = [1] }));
        var all = Fitted(rows);
        Assert.Equal(all.Weights[Features], one.Weights[Features], 1e-2);
        Assert.All(one.Weights.Take(Features).Concat(one.Weights.Skip(2 * Features)), w => Assert.Equal(0, w, 1e-2));
        Assert.True(one.Bias[0] < -5); // who judged an event would have named what is new
    }

    [Fact]
    public void Fit_Twice_GivesTheSameBits()
    {
        var heads = new List<LogisticHead>();
        for (var i = 0; i < 2; i++)
        {
            var fit = new HeadFit(Made(), Classes, isBalanced: true);
            var parameters = fit.Begin();
            fit.Fit(parameters, 1e-3, CancellationToken.None);
            heads.Add(fit.Head(parameters));
        }

        Assert.Equal(heads[0].Weights, heads[1].Weights);
        Assert.Equal(heads[0].Bias, heads[1].Bias);
    }

    [Fact]
    public void Fit_FeatureThatNeverChanges_GetsNoWeight()
    {
        List<TrainingRow> rows = [.. Made().Select(r => r with { Features = [.. r.Features, 5f] })];
        var fit = new HeadFit(rows, Classes, isBalanced: false);
        var parameters = fit.Begin();
        fit.Fit(parameters, 0.01, CancellationToken.None);
        var head = fit.Head(parameters);

        Assert.All(Enumerable.Range(0, Classes), c => Assert.Equal(0, head.Weights[(c * (Features + 1)) + Features]));
        Assert.Equal(s_plain[0][0], head.Weights[0], 2e-3);
    }

    /// <summary>The same rows as the reference's.</summary>
    private static List<TrainingRow> Made()
    {
        var rows = new List<TrainingRow>();
        for (var i = 0; i < Rows; i++)
        {
            double[] x = [.. Enumerable.Range(0, Features).Select(j => Math.Sin((1.7 * i) + (0.9 * j)) + (0.3 * Math.Cos(0.31 * i * j)))];
            int[] there = [.. Enumerable.Range(0, Classes).Where(c => Math.Sin((0.5 * i) + c) + (0.8 * x[c]) > 0.4)];
            rows.Add(new TrainingRow([.. x.Select(v => (float)v)], there, i % 3 == 0 ? 0.5f : 1, $"{i}", i, true));
        }

        return rows;
    }
}
