namespace AstStream.Events.Unusual;

/// <summary>
/// What the sound of one stream is usually like: the mean of its embeddings by hour of the day, and how they scatter about it. How far one
/// is from that is its Mahalanobis distance, the covariance shrunk towards a multiple of the identity (Ledoit and Wolf 2004).
/// </summary>
/// <remarks>
/// Their optimal shrinkage takes samples for independent. Windows of one scene are not, so a fixed one is taken: 0.3 found as much as the
/// optimal one or more in trials with made sites, and with few scenes a good deal more. Embeddings are taken at a length of 1.
/// </remarks>
/// <param name="dimensions">Values of an embedding, 1 or more.</param>
public sealed class SoundHabit(int dimensions)
{
    private const int Hours = 24;
    private const double Shrinkage = 0.3;
    private const double OfAllHours = 60; // embeddings that the mean of all hours counts for in an hour's own
    private const double LeastVariance = 1e-6; // of a value, where all are alike

    private readonly double[] _counts = new double[Hours];
    private readonly double[] _sums = new double[Hours * dimensions];
    private readonly double[] _products = new double[Triangle(dimensions)]; // row by row up to the diagonal
    private readonly float[] _means = new float[Hours * dimensions];
    private readonly float[] _factor = new float[Triangle(dimensions)]; // of the covariance, as Cholesky
    private readonly float[] _solved = new float[dimensions];

    /// <summary>How many embeddings it knows; those that faded count for less than one.</summary>
    public double Count => _counts.Sum();

    /// <summary>Takes an embedding of length 1. What it changes is seen after <see cref="Fit"/>.</summary>
    /// <param name="hour">The hour of the day, 0 to 23.</param>
    /// <param name="direction">The embedding.</param>
    public void Add(int hour, ReadOnlySpan<float> direction)
    {
        _counts[hour]++;
        var sums = _sums.AsSpan(hour * dimensions, dimensions);
        for (var (row, at) = (0, 0); row < dimensions; row++)
        {
            sums[row] += direction[row];
            for (var column = 0; column <= row; column++)
                _products[at++] += (double)direction[row] * direction[column];
        }
    }

    /// <summary>Lets what it knows count for less.</summary>
    /// <param name="share">What remains, 0 to 1.</param>
    public void Fade(double share)
    {
        foreach (var values in (double[][])[_counts, _sums, _products])
        {
            for (var i = 0; i < values.Length; i++)
                values[i] *= share;
        }
    }

    /// <summary>Makes means and covariance of all that it took; needs one embedding at least.</summary>
    /// <exception cref="InvalidDataException">What it has restored is no scatter of anything.</exception>
    public void Fit()
    {
        var count = Count;
        var means = new double[Hours * dimensions];
        for (var i = 0; i < dimensions; i++)
        {
            var mean = Enumerable.Range(0, Hours).Sum(h => _sums[(h * dimensions) + i]) / count;
            for (var h = 0; h < Hours; h++)
                means[(h * dimensions) + i] = (_sums[(h * dimensions) + i] + (OfAllHours * mean)) / (_counts[h] + OfAllHours);
        }

        for (var i = 0; i < means.Length; i++)
            _means[i] = (float)means[i];
        Factor(Shrunk(means, count));
    }

    /// <summary>
    /// How far an embedding is from what is usual at an hour, as <see cref="Fit"/> knows it: about 1 for what is usual.
    /// </summary>
    /// <param name="hour">The hour of the day, 0 to 23.</param>
    /// <param name="direction">The embedding, of length 1.</param>
    public float Distance(int hour, ReadOnlySpan<float> direction)
    {
        ReadOnlySpan<float> factor = _factor;
        var solved = _solved.AsSpan();
        float square = 0;
        for (var (row, at) = (0, 0); row < dimensions; at += ++row)
        {
            var rest = direction[row] - _means[(hour * dimensions) + row] - Vectors.Product(factor.Slice(at, row), solved[..row]);
            solved[row] = rest / factor[at + row];
            square += solved[row] * solved[row];
        }

        return MathF.Sqrt(square / dimensions);
    }

    /// <summary>Writes what it took.</summary>
    public void Save(BinaryWriter output)
    {
        foreach (var values in (double[][])[_counts, _sums, _products])
        {
            foreach (var value in values)
                output.Write(value);
        }
    }

    /// <summary>Reads what one of as many dimensions wrote.</summary>
    /// <exception cref="InvalidDataException">There is something else.</exception>
    /// <exception cref="EndOfStreamException">There is not enough.</exception>
    public void Restore(BinaryReader input)
    {
        foreach (var values in (double[][])[_counts, _sums, _products])
        {
            for (var i = 0; i < values.Length; i++)
            {
                values[i] = input.ReadDouble();
                if (!double.IsFinite(values[i]) || (values == _counts && values[i] < 0))
                    throw new InvalidDataException($"found {values[i]}; expected a finite number");
            }
        }
    }

    private static int Triangle(int size) => size * (size + 1) / 2;

    /// <summary>The covariance about the hours' means, shrunk.</summary>
    private double[] Shrunk(double[] means, double count)
    {
        var covariance = new double[_products.Length];
        double trace = 0;
        for (var (row, at) = (0, 0); row < dimensions; row++)
        {
            for (var column = 0; column <= row; column++, at++)
            {
                var sum = _products[at];
                for (var h = 0; h < Hours; h++)
                {
                    var (i, j) = ((h * dimensions) + row, (h * dimensions) + column);
                    sum -= (_sums[i] * means[j]) + (means[i] * _sums[j]) - (_counts[h] * means[i] * means[j]);
                }

                covariance[at] = sum / count;
            }

            trace += covariance[at - 1];
        }

        var variance = Math.Max(LeastVariance, trace / dimensions);
        for (var (row, at) = (0, 0); row < dimensions; at += ++row)
        {
            for (var column = 0; column <= row; column++)
                covariance[at + column] *= 1 - Shrinkage;
            covariance[at + row] += Shrinkage * variance;
        }

        return covariance;
    }

    private void Factor(double[] matrix)
    {
        for (var (row, at) = (0, 0); row < dimensions; at += ++row)
        {
            for (var (column, other) = (0, 0); column <= row; other += ++column)
            {
                var sum = matrix[at + column];
                for (var k = 0; k < column; k++)
                    sum -= matrix[at + k] * matrix[other + k];
                if (column == row && !(sum > 0))
                    throw new InvalidDataException($"found a variance of {sum}; expected more than 0");
                matrix[at + column] = column == row ? Math.Sqrt(sum) : sum / matrix[other + column];
            }
        }

        for (var i = 0; i < matrix.Length; i++)
            _factor[i] = (float)matrix[i];
    }
}
