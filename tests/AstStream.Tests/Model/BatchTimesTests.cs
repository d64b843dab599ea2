using AstStream.Model.Runtime;
using FsCheck;
using FsCheck.Xunit;

namespace AstStream.Tests.Model;

public sealed class BatchTimesTests
{
    /// <summary>Times in milliseconds of batches of 1, 2, 4… windows, and the sizes that are worth their graphs.</summary>
    [Theory]
    [InlineData(new double[] { 1, 2, 4, 8, 16 }, new[] { 1 })] // a window costs the same in any company
    [InlineData(new double[] { 1, 1.01, 1.02, 2.04, 4.08 }, new[] { 4 })] // a window alone takes as long as four
    [InlineData(new double[] { 1.4, 1.7, 2.6, 4.8, 9.4 }, new[] { 1, 2, 4, 8 })] // 16 is hardly better than 8, and comes later
    [InlineData(new double[] { 1.4, 1.7, 2.6, 4.8, 8 }, new[] { 1, 2, 4, 8, 16 })]
    public void Liked_Times_AreTheSizesThatPay(double[] milliseconds, int[] expected)
    {
        var times = new BatchTimes();
        for (var i = 0; i < milliseconds.Length; i++)
            times.Add(1 << i, milliseconds[i]);
        Assert.Equal(expected, times.Liked());
    }

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 3)] // padded to 4: 2.6, and 2 and 1 would take 3.1
    [InlineData(5, 4)] // 4 and 1 take 4.0, 8 takes 4.8
    [InlineData(6, 4)] // 4 and 2 take 4.3
    [InlineData(7, 7)]
    [InlineData(9, 8)]
    [InlineData(13, 8)] // 8, 4 and 1 take 8.8, 16 takes 9.4
    public void RowsToRun_PaddingOrTwoRuns_AreWhatIsCheaper(int rows, int expected)
    {
        var times = new BatchTimes();
        foreach (var (size, milliseconds) in ((int, double)[])[(1, 1.4), (2, 1.7), (4, 2.6), (8, 4.8), (16, 9.4)])
            times.Add(size, milliseconds);
        Assert.Equal(expected, times.RowsToRun([1, 2, 4, 8, 16])[rows]);
    }

    [Property]
    public bool RowsToRun_AnyTimes_RunsSomeAndNeverCostsMoreThanPadding(PositiveInt[] costs)
    {
        int[] sizes = [.. Enumerable.Range(0, Math.Clamp(costs.Length, 1, 7)).Select(i => 1 << i)];
        double Cost(int size) => costs.Length == 0 ? 1 : costs[int.Log2(size)].Get;
        var times = new BatchTimes();
        foreach (var size in sizes)
            times.Add(size, Cost(size));
        var rowsToRun = times.RowsToRun(sizes);
        for (var rows = 1; rows <= sizes[^1]; rows++)
        {
            var (left, cost) = (rows, 0.0);
            while (left > 0)
            {
                var some = rowsToRun[left];
                if (some < 1 || some > left)
                    return false;
                cost += Cost(sizes.First(s => s >= some));
                left -= some;
            }

            if (cost > Cost(sizes.First(s => s >= rows)))
                return false;
        }

        return true;
    }

    [Fact]
    public void WindowsPerSecond_OfSeveralRuns_IsTheBest()
    {
        var times = new BatchTimes();
        Assert.Equal(0, times.WindowsPerSecond);
        times.Add(1, 0.01);
        times.Add(1, 0.02);
        times.Add(4, 0.02);
        Assert.Equal(200, times.WindowsPerSecond, 1e-9);
    }
}
