using AstStream.Learning.Statistics;

namespace AstStream.Tests.Learning;

/// <summary>Beside the numbers of scikit-learn 1.2.1 and SciPy, over the same made scores.</summary>
public sealed class RankingTests
{
    [Theory]
    [InlineData(10, 0, 0.8766666666666667, 0.8800000000000001)]
    [InlineData(50, 0, 0.539501887954405, 0.7525)]
    [InlineData(200, 7, 0.7060905618408214, 0.8308302044221945)] // many scores are equal
    [InlineData(1000, 0, 0.7070059673523655, 0.7842647058823529)]
    [InlineData(1000, 20, 0.6862117200878945, 0.7951031961316194)]
    public void AveragePrecisionAndAuc_MadeScores_AreScikitLearns(int count, int levels, double precision, double auc)
    {
        var (scores, isTrue) = Made(count, levels);
        Assert.Equal(precision, Ranking.AveragePrecision(scores, isTrue), 1e-12);
        Assert.Equal(auc, Ranking.RocAuc(scores, isTrue), 1e-12);
    }

    [Fact]
    public void AveragePrecisionAndAuc_ScoresThatAreNoNumbers_ComeLast()
    {
        Assert.Equal(0.5, Ranking.AveragePrecision([double.NaN, 0.1, double.NaN, 0.9], [true, true, false, false]), 1e-12);
        Assert.Equal(0.375, Ranking.RocAuc([double.NaN, 0.1, double.NaN, 0.9], [true, true, false, false]), 1e-12);
    }

    [Fact]
    public void AveragePrecisionAndAuc_NothingToRank_AreNoNumbers()
    {
        Assert.True(double.IsNaN(Ranking.AveragePrecision([0.1, 0.9], [false, false])));
        Assert.True(double.IsNaN(Ranking.RocAuc([0.1, 0.9], [true, true])));
        Assert.Equal(1, Ranking.AveragePrecision([0.1, 0.9], [true, true]));
    }

    [Theory]
    [InlineData(1e-9, -5.9978070150076865)]
    [InlineData(0.001, -3.090232306167813)]
    [InlineData(0.02, -2.053748910631823)]
    [InlineData(0.3, -0.5244005127080409)]
    [InlineData(0.5, 0.0)]
    [InlineData(0.975, 1.959963984540054)]
    [InlineData(0.999999, 4.753424308817087)]
    public void DPrime_OfAnArea_IsTheQuantileTimesRootTwo(double auc, double quantile) =>
        Assert.Equal(Math.Sqrt(2) * quantile, Ranking.DPrime(auc), 1e-9);

    [Fact]
    public void Interval_GroupsOfOneValue_IsAsWideAsTheirMeansAre()
    {
        // A hundred groups of ten equal items: by items the interval would be a third as wide.
        var values = Enumerable.Range(0, 1000).Select(i => i / 10 % 2).ToArray();
        var groups = Enumerable.Range(0, 100).Select(g => (IReadOnlyList<int>)[.. Enumerable.Range(10 * g, 10)]).ToList();

        var (low, high) = Bootstrap.Interval(groups, items => items.Average(i => values[i]));

        Assert.InRange(high - low, 0.17, 0.22); // 2 · 1.96 · 0.5 / √100
        Assert.Equal((low, high), Bootstrap.Interval(groups, items => items.Average(i => values[i])));
    }

    private static (double[] Scores, bool[] IsTrue) Made(int count, int levels)
    {
        // The generator goes on from case to case.
        var state = 1u;
        double Next() => (state = (state * 1664525) + 1013904223) / 4294967296.0;
        foreach (var (n, l) in ((int, int)[])[(10, 0), (50, 0), (200, 7), (1000, 0), (1000, 20)])
        {
            var (scores, isTrue) = (new double[n], new bool[n]);
            for (var i = 0; i < n; i++)
            {
                isTrue[i] = Next() < 0.3;
                scores[i] = Next() + (isTrue[i] ? 0.35 : 0);
                if (l > 0)
                    scores[i] = Math.Floor(scores[i] * l) / l;
            }

            if ((n, l) == (count, levels))
                return (scores, isTrue);
        }

        throw new ArgumentOutOfRangeException(nameof(count));
    }
}
