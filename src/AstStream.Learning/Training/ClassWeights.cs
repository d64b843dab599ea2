namespace AstStream.Learning.Training;

/// <summary>How much each class counts where it is there, and where it is not.</summary>
internal static class ClassWeights
{
    private const double Most = 50; // that a rare class counts more by

    /// <summary>The weights of classes.</summary>
    /// <param name="shares">The share of the clips in which each class is there, 0 to 1.</param>
    /// <param name="isBalanced">Whether both count the same in all, however many there are; else everything counts 1.</param>
    public static (float[] Present, float[] Absent) Of(IReadOnlyList<double> shares, bool isBalanced) => (
        [.. shares.Select(s => isBalanced && s is > 0 and < 1 ? (float)Math.Min(Most, 0.5 / s) : 1)],
        [.. shares.Select(s => isBalanced && s is > 0 and < 1 ? (float)Math.Min(Most, 0.5 / (1 - s)) : 1)]);
}
