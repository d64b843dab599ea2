using System.Numerics.Tensors;

namespace AstStream.Learning.Training;

/// <summary>
/// Fits a <see cref="LogisticHead"/>: of each class the weighted mean of the rows' binary cross-entropies, and the ridge times half the
/// squares of the weights of standardised features, or of what they are away from a head that is known. All classes at once, by
/// <see cref="Lbfgs"/>. The same rows give the same head.
/// </summary>
internal sealed class HeadFit
{
    private const int Parts = 16; // of the rows, whose sums are added in order
    private const double Tolerance = 1e-5;
    private const int MostSteps = 300;

    private readonly float[] _features; // standardised, [rows, features]
    private readonly float[] _rowWeights; // of sum 1
    private readonly float[] _targets; // [rows, classes]: how much a class is there, 0 to 1; not a number where nobody knows
    private readonly float[] _present; // a class's weight where it is there
    private readonly float[] _absent;
    private readonly float[] _mean;
    private readonly float[] _scale;
    private readonly IReadOnlyDictionary<int, (float[] Weights, float Bias)> _known; // classes, for features as they come
    private readonly double[] _prior; // weights of standardised features, then biases

    /// <summary>Prepares a fit.</summary>
    /// <param name="rows">The rows; one at least.</param>
    /// <param name="classes">How many classes there are.</param>
    /// <param name="isBalanced">Whether where a class is there and where it is not count the same in all, however many these are.</param>
    /// <param name="prior">
    /// What is known of some classes already, for features as they come; null for nothing. Where nobody said whether such a class is there,
    /// it is as much as this says.
    /// </param>
    public HeadFit(
        IReadOnlyList<TrainingRow> rows, int classes, bool isBalanced,
        IReadOnlyDictionary<int, (float[] Weights, float Bias)>? prior = null)
    {
        var features = rows[0].Features.Length;
        if ((long)rows.Count * features > Array.MaxLength)
            throw new InvalidTrainingException($"{rows.Count} windows of {features} numbers are more than memory takes; give fewer clips");
        var total = rows.Sum(r => (double)r.Weight);
        _rowWeights = [.. rows.Select(r => (float)(r.Weight / total))];
        (_mean, _scale) = Standard(rows, _rowWeights);
        _features = new float[rows.Count * features];
        for (var i = 0; i < rows.Count; i++)
        {
            var row = _features.AsSpan(i * features, features);
            TensorPrimitives.Subtract(rows[i].Features, _mean, row);
            TensorPrimitives.Multiply(row, _scale, row);
        }

        _known = prior ?? new Dictionary<int, (float[], float)>();
        _targets = new float[rows.Count * classes];
        for (var i = 0; i < rows.Count; i++)
        {
            for (var c = 0; c < classes; c++)
                _targets[(i * classes) + c] = Target(rows[i], c);
        }

        (_present, _absent) = ClassWeights.Of(
            [.. Enumerable.Range(0, classes).Select(c => Enumerable.Range(0, rows.Count)
                .Sum(i => _targets[(i * classes) + c] is var t && t > 0 ? (double)t * _rowWeights[i] : 0))], isBalanced);
        _prior = new double[(features + 1) * classes];
        foreach (var (c, (weights, bias)) in _known)
        {
            var sum = (double)bias;
            for (var f = 0; f < features; f++)
            {
                _prior[(c * features) + f] = _scale[f] > 0 ? weights[f] / _scale[f] : 0;
                sum += weights[f] * _mean[f];
            }

            _prior[(features * classes) + c] = sum;
        }
    }

    private int Classes => _present.Length;

    private int Features => _mean.Length;

    /// <summary>Parameters as they are fitted: the weights of standardised features, then the biases; where it begins.</summary>
    public double[] Begin() => [.. _prior];

    /// <summary>Fits from a place on.</summary>
    /// <param name="parameters">Where it begins; the fit, in the end.</param>
    /// <param name="ridge">The ridge, above 0.</param>
    /// <param name="stop">Gives up.</param>
    public void Fit(double[] parameters, double ridge, CancellationToken stop) =>
        Lbfgs.Minimize((at, gradient) => Loss(at, gradient, ridge), parameters, Tolerance, MostSteps, stop);

    /// <summary>The head of fitted parameters, for features as they come.</summary>
    public LogisticHead Head(double[] parameters)
    {
        var (weights, bias) = (new float[Features * Classes], new float[Classes]);
        for (var c = 0; c < Classes; c++)
        {
            var sum = parameters[(Features * Classes) + c];
            for (var f = 0; f < Features; f++)
            {
                var weight = parameters[(c * Features) + f] * _scale[f];
                weights[(c * Features) + f] = (float)weight;
                sum -= weight * _mean[f];
            }

            bias[c] = (float)sum;
        }

        return new LogisticHead(weights, bias);
    }

    /// <summary>The loss of a head on other rows, weighted as in the fit.</summary>
    public double LossOf(LogisticHead head, IEnumerable<TrainingRow> rows)
    {
        var (loss, total) = (0.0, 0.0);
        foreach (var row in rows)
        {
            var logits = head.Logits(row.Features);
            for (var c = 0; c < Classes; c++)
            {
                if (Target(row, c) is var target && !float.IsNaN(target))
                    loss += row.Weight * CrossEntropy(logits[c], target * _present[c], (1 - target) * _absent[c]);
            }

            total += row.Weight;
        }

        return loss / (total * Classes);
    }

    private double Loss(double[] at, double[] gradient, double ridge)
    {
        var weights = Array.ConvertAll(at, v => (float)v);
        var parts = new (double Loss, float[] Gradient)[Parts];
        Parallel.For(0, Parts, p => parts[p] = Part(weights, p * _rowWeights.Length / Parts, (p + 1) * _rowWeights.Length / Parts));
        var loss = 0.0;
        Array.Clear(gradient);
        foreach (var (partLoss, partGradient) in parts)
        {
            loss += partLoss;
            for (var i = 0; i < gradient.Length; i++)
                gradient[i] += partGradient[i];
        }

        for (var i = 0; i < Features * Classes; i++)
        {
            loss += ridge * Math.Pow(at[i] - _prior[i], 2) / 2;
            gradient[i] += ridge * (at[i] - _prior[i]);
        }

        return loss;
    }

    private (double Loss, float[] Gradient) Part(float[] weights, int from, int to)
    {
        var gradient = new float[weights.Length];
        var loss = 0.0;
        for (var i = from; i < to; i++)
        {
            var row = _features.AsSpan(i * Features, Features);
            for (var c = 0; c < Classes; c++)
            {
                var target = _targets[(i * Classes) + c];
                if (float.IsNaN(target))
                    continue;
                var logit = TensorPrimitives.Dot(weights.AsSpan(c * Features, Features), row) + weights[(Features * Classes) + c];
                var (present, absent) = (_rowWeights[i] * target * _present[c], _rowWeights[i] * (1 - target) * _absent[c]);
                loss += CrossEntropy(logit, present, absent);
                var error = ((present + absent) / (1 + MathF.Exp(-logit))) - present;
                var part = gradient.AsSpan(c * Features, Features);
                TensorPrimitives.MultiplyAdd(row, error, part, part);
                gradient[(Features * Classes) + c] += error;
            }
        }

        return (loss, gradient);
    }

    /// <summary>How much a class is in a row, 0 to 1; not a number where nobody knows.</summary>
    private float Target(TrainingRow row, int c)
    {
        if (row.IsSaid(c))
            return row.Targets.Contains(c) ? 1 : 0;
        if (!_known.TryGetValue(c, out var known))
            return row.IsJudged ? 0 : float.NaN; // who judged an event would have named what is new
        return 1 / (1 + MathF.Exp(-TensorPrimitives.Dot(known.Weights, row.Features) - known.Bias));
    }

    /// <summary>The cross-entropy of a logit, weighted by how much its class is there and how much it is not.</summary>
    private static double CrossEntropy(float logit, float present, float absent) =>
        ((present + absent) * Softplus(logit)) - (present * (double)logit);

    /// <summary>log(1 + eˣ), without overflow.</summary>
    internal static double Softplus(double x) => Math.Max(x, 0) + Math.Log(1 + Math.Exp(-Math.Abs(x)));

    /// <summary>Of each feature the mean, and one by the deviation; 0 for a feature that never changes.</summary>
    private static (float[] Mean, float[] Scale) Standard(IReadOnlyList<TrainingRow> rows, float[] weights)
    {
        var (sum, squares) = (new double[rows[0].Features.Length], new double[rows[0].Features.Length]);
        for (var i = 0; i < rows.Count; i++)
        {
            for (var f = 0; f < sum.Length; f++)
                sum[f] += weights[i] * rows[i].Features[f];
        }

        for (var i = 0; i < rows.Count; i++)
        {
            for (var f = 0; f < sum.Length; f++)
                squares[f] += weights[i] * Math.Pow(rows[i].Features[f] - sum[f], 2);
        }

        return (Array.ConvertAll(sum, v => (float)v), Array.ConvertAll(squares, v => v > 1e-12 ? (float)(1 / Math.Sqrt(v)) : 0));
    }
}
