namespace AstStream.Learning.Training;

/// <summary>
/// Minimises a smooth function by L-BFGS: the two-loop recursion over the last pairs of steps and changes of the gradient (Nocedal and
/// Wright, algorithm 7.4), and steps that keep the weak Wolfe conditions, found by bisection (Lewis and Overton, 2013).
/// </summary>
public static class Lbfgs
{
    private const int Memory = 10; // pairs
    private const int MostTrials = 30; // of one step's length
    private const double Decrease = 1e-4;
    private const double Curvature = 0.9;

    /// <summary>A function's value at a place; its gradient there is written to the second argument.</summary>
    public delegate double Function(double[] at, double[] gradient);

    /// <summary>Goes from a place to a minimum.</summary>
    /// <param name="function">The function.</param>
    /// <param name="x">Where it begins; where it ends.</param>
    /// <param name="tolerance">It ends where the gradient's norm is this share of max(1, the place's norm).</param>
    /// <param name="mostSteps">It ends after so many steps.</param>
    /// <param name="stop">Gives up.</param>
    /// <returns>The value, and how many steps it took.</returns>
    public static (double Value, int Steps) Minimize(
        Function function, double[] x, double tolerance, int mostSteps, CancellationToken stop = default)
    {
        var pairs = new List<(double[] Step, double[] Change, double Product)>();
        var (gradient, direction, next, nextGradient) = (
            new double[x.Length], new double[x.Length], new double[x.Length], new double[x.Length]);
        var value = function(x, gradient);
        for (var steps = 0; ; steps++)
        {
            stop.ThrowIfCancellationRequested();
            if (steps == mostSteps || Math.Sqrt(Dot(gradient, gradient)) <= tolerance * Math.Max(1, Math.Sqrt(Dot(x, x))))
                return (value, steps);
            Direct(gradient, pairs, direction);
            var slope = Dot(direction, gradient);
            var length = pairs.Count > 0 ? 1 : 1 / Math.Max(1, Math.Sqrt(-slope));
            if (!Search(function, x, value, slope, direction, length, next, nextGradient, out var reached))
                return (value, steps); // no digit is left to gain
            var (step, change) = (new double[x.Length], new double[x.Length]);
            for (var i = 0; i < x.Length; i++)
                (step[i], change[i]) = (next[i] - x[i], nextGradient[i] - gradient[i]);
            if (Dot(step, change) is > 0 and var product)
                pairs.Add((step, change, product));
            if (pairs.Count > Memory)
                pairs.RemoveAt(0);
            (gradient, nextGradient) = (nextGradient, gradient);
            next.CopyTo(x, 0);
            value = reached;
        }
    }

    /// <summary>The direction of the next step: minus the inverse of the curvature, as the pairs show it, times the gradient.</summary>
    private static void Direct(double[] gradient, List<(double[] Step, double[] Change, double Product)> pairs, double[] direction)
    {
        for (var i = 0; i < gradient.Length; i++)
            direction[i] = -gradient[i];
        var along = new double[pairs.Count];
        for (var p = pairs.Count - 1; p >= 0; p--)
            Add(direction, -(along[p] = Dot(pairs[p].Step, direction) / pairs[p].Product), pairs[p].Change);
        if (pairs is [.., var last])
        {
            var scale = last.Product / Dot(last.Change, last.Change);
            for (var i = 0; i < direction.Length; i++)
                direction[i] *= scale;
        }

        for (var p = 0; p < pairs.Count; p++)
            Add(direction, along[p] - (Dot(pairs[p].Change, direction) / pairs[p].Product), pairs[p].Step);
    }

    /// <summary>Finds a step that decreases enough and leaves the slope flat enough; false where there is none.</summary>
    private static bool Search(
        Function function, double[] x, double value, double slope, double[] direction, double length, double[] next, double[] gradient,
        out double reached)
    {
        var (low, high) = (0.0, double.PositiveInfinity);
        reached = value;
        for (var trial = 0; trial < MostTrials && slope < 0; trial++)
        {
            for (var i = 0; i < x.Length; i++)
                next[i] = x[i] + (length * direction[i]);
            reached = function(next, gradient);
            if (!(reached <= value + (Decrease * length * slope)))
                high = length;
            else if (Dot(gradient, direction) < Curvature * slope)
                low = length;
            else
                return true;
            length = double.IsInfinity(high) ? 2 * length : (low + high) / 2;
        }

        return reached < value;
    }

    private static double Dot(double[] a, double[] b)
    {
        var sum = 0.0;
        for (var i = 0; i < a.Length; i++)
            sum += a[i] * b[i];
        return sum;
    }

    private static void Add(double[] to, double factor, double[] what)
    {
        for (var i = 0; i < to.Length; i++)
            to[i] += factor * what[i];
    }
}
