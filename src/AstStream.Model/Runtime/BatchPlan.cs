namespace AstStream.Model.Runtime;

/// <summary>How the windows at hand are run in batches of a few fixed sizes.</summary>
internal sealed class BatchPlan
{
    private readonly int[] _sizes; // ascending
    private readonly bool _pads;

    /// <param name="sizes">The preferred sizes.</param>
    /// <param name="pads">
    /// Whether a batch is padded up to the next size. That pays on a device that would idle otherwise; on a processor every row
    /// costs the same, and what is at hand is cut into the sizes, of which 1 is always one.
    /// </param>
    public BatchPlan(IEnumerable<int> sizes, bool pads)
    {
        _sizes = [.. (pads ? sizes : sizes.Append(1)).Distinct().Order()];
        _pads = pads;
    }

    /// <summary>The sizes, ascending.</summary>
    public IReadOnlyList<int> Sizes => _sizes;

    /// <summary>The largest size.</summary>
    public int Largest => _sizes[^1];

    /// <summary>The next batch of <paramref name="rows"/> rows at hand: how many of them it takes, and its size.</summary>
    public (int Rows, int Size) Next(int rows)
    {
        var size = _sizes[0];
        foreach (var next in _sizes) // no closure: this runs for every batch
        {
            if (next >= rows && (_pads || next == rows))
                return (rows, next);
            size = next <= rows ? next : size;
        }

        return (size, size);
    }
}
