namespace AstStream.Learning.Statistics;

/// <summary>The standard normal distribution.</summary>
internal static class Normal
{
    /// <summary>The value under which a share of it lies: Acklam's rational approximation, and a step of Halley's method over it.</summary>
    /// <param name="share">0 to 1; at the ends it is infinite.</param>
    public static double Quantile(double share)
    {
        if (double.IsNaN(share) || share is < 0 or > 1)
            return double.NaN;
        if (share is 0 or 1)
            return share == 0 ? double.NegativeInfinity : double.PositiveInfinity;
        if (share > 0.5)
            return -Quantile(1 - share);
        ReadOnlySpan<double> a = [-39.69683028665376, 220.9460984245205, -275.9285104469687, 138.3577518672690, -30.66479806614716,
            2.506628277459239];
        ReadOnlySpan<double> b = [-54.47609879822406, 161.5858368580409, -155.6989798598866, 66.80131188771972, -13.28068155288572, 1];
        ReadOnlySpan<double> c = [-0.007784894002430293, -0.3223964580411365, -2.400758277161838, -2.549732539343734, 4.374664141464968,
            2.938163982698783];
        ReadOnlySpan<double> d = [0.007784695709041462, 0.3224671290700398, 2.445134137142996, 3.754408661907416, 1];
        double x;
        if (share < 0.02425)
        {
            var q = Math.Sqrt(-2 * Math.Log(share));
            x = Polynomial(c, q) / Polynomial(d, q);
        }
        else
        {
            var q = share - 0.5;
            x = Polynomial(a, q * q) * q / Polynomial(b, q * q);
        }

        for (var step = 0; step < 2; step++)
        {
            var error = (Cumulative(x) - share) * Math.Sqrt(2 * Math.PI) * Math.Exp(x * x / 2);
            x -= error / (1 + (x * error / 2));
        }

        return x;
    }

    /// <summary>The share that lies under a value of at most 0: a series near 0, a continued fraction further out.</summary>
    private static double Cumulative(double x)
    {
        var z = -x;
        var density = Math.Exp(-z * z / 2) / Math.Sqrt(2 * Math.PI);
        if (z < 3)
        {
            var (sum, term) = (z, z);
            for (var k = 3; Math.Abs(term) > 1e-17 * Math.Abs(sum); k += 2)
                sum += term *= z * z / k;
            return 0.5 - (density * sum);
        }

        var fraction = z;
        for (var k = 120; k > 0; k--)
            fraction = z + (k / fraction);
        return density / fraction;
    }

    private static double Polynomial(ReadOnlySpan<double> coefficients, double x)
    {
        var sum = 0.0;
        foreach (var coefficient in coefficients)
            sum = (sum * x) + coefficient;
        return sum;
    }
}
