namespace AstStream.Tests.Model.Training;

/// <summary>Numbers in double, with a shape.</summary>
internal sealed record DoubleTensor(int[] Shape, double[] Values)
{
    public int Last => Shape[^1];

    public static DoubleTensor Make(int[] shape, Func<int[], double> value)
    {
        var values = new double[shape.Aggregate(1, (a, b) => a * b)];
        var at = new int[shape.Length];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = value(at);
            for (var axis = shape.Length - 1; axis >= 0 && ++at[axis] == shape[axis]; axis--)
                at[axis] = 0;
        }

        return new DoubleTensor(shape, values);
    }

    /// <summary>The number at a place; axes that are missing or of length 1 are broadcast.</summary>
    public double At(ReadOnlySpan<int> place)
    {
        var (index, before) = (0, place.Length - Shape.Length);
        for (var axis = 0; axis < Shape.Length; axis++)
            index = (index * Shape[axis]) + (Shape[axis] == 1 ? 0 : place[before + axis]);
        return Values[index];
    }

    public DoubleTensor Map(Func<double, double> function) => new(Shape, Array.ConvertAll(Values, v => function(v)));

    /// <summary>Something of two, element by element.</summary>
    public DoubleTensor With(DoubleTensor other, Func<double, double, double> function)
    {
        var rank = Math.Max(Shape.Length, other.Shape.Length);
        int Length(DoubleTensor x, int axis) => axis < rank - x.Shape.Length ? 1 : x.Shape[axis - (rank - x.Shape.Length)];
        int[] shape = [.. Enumerable.Range(0, rank).Select(a => Math.Max(Length(this, a), Length(other, a)))];
        return Make(shape, at => function(At(at), other.At(at)));
    }

    /// <summary>The sum over axes.</summary>
    public DoubleTensor Sum(IReadOnlyCollection<int> axes, bool keep)
    {
        int[] kept = [.. Shape.Select((d, i) => axes.Contains(i) ? 1 : d)];
        var sums = new DoubleTensor(kept, new double[kept.Aggregate(1, (a, b) => a * b)]);
        Make(Shape, at =>
        {
            var index = 0;
            for (var axis = 0; axis < kept.Length; axis++)
                index = (index * kept[axis]) + (kept[axis] == 1 ? 0 : at[axis]);
            return sums.Values[index] += At(at);
        });
        return keep ? sums : new DoubleTensor([.. Shape.Where((_, i) => !axes.Contains(i))], sums.Values);
    }

    public DoubleTensor Transpose(params IReadOnlyList<int> order) => Make([.. order.Select(axis => Shape[axis])], at =>
    {
        var from = new int[at.Length];
        for (var i = 0; i < at.Length; i++)
            from[order[i]] = at[i];
        return At(from);
    });

    /// <summary>A product over the last two axes; those before may be missing in the second.</summary>
    public DoubleTensor MatMul(DoubleTensor b) => Make([.. Shape[..^1], b.Last], at =>
    {
        var sum = 0.0;
        int[] left = [.. at], right = [.. at];
        for (var k = 0; k < Last; k++)
        {
            (left[^1], right[^2]) = (k, k);
            sum += At(left) * b.At(right.AsSpan(at.Length - b.Shape.Length));
        }

        return sum;
    });

    public DoubleTensor Softmax()
    {
        var powers = Map(Math.Exp); // of small numbers
        return powers.With(powers.Sum([Shape.Length - 1], keep: true), (a, b) => a / b);
    }
}
