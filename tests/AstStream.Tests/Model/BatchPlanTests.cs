using AstStream.Model.Runtime;
using FsCheck;
using FsCheck.Xunit;

namespace AstStream.Tests.Model;

public sealed class BatchPlanTests
{
    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(3, 3, 4)]
    [InlineData(8, 8, 8)]
    public void Next_Padding_GoesUpToTheNextSize(int rows, int taken, int size) =>
        Assert.Equal((taken, size), new BatchPlan([8, 1, 4], pads: true).Next(rows));

    [Theory]
    [InlineData(1, 1)]
    [InlineData(3, 1)]
    [InlineData(5, 4)]
    [InlineData(9, 8)]
    public void Next_NoPadding_CutsIntoSizes(int rows, int size) =>
        Assert.Equal((size, size), new BatchPlan([8, 4], pads: false).Next(rows));

    [Property]
    public bool Next_AnySizesAndRows_TakesAllRowsOnceWithinTheLargestSize(PositiveInt[] sizes, PositiveInt rows, bool pads)
    {
        var plan = new BatchPlan(sizes.Select(s => s.Get).Append(1), pads);
        var count = Math.Min(rows.Get, plan.Largest);
        var taken = 0;
        for (var runs = 0; taken < count; runs++)
        {
            var (some, size) = plan.Next(count - taken);
            if (some < 1 || some > size || !plan.Sizes.Contains(size) || taken + size > plan.Largest || runs > count)
                return false;
            taken += some;
        }

        return taken == count;
    }
}
