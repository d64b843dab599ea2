namespace AstStream.Learning.Training;

/// <summary>
/// Random numbers that follow from where they are drawn (SplitMix64): a training that goes on draws what it would have drawn.
/// </summary>
/// <param name="seed">The training's.</param>
/// <param name="place">Where they are drawn: a step, say.</param>
/// <param name="row">Which of several at that place.</param>
internal struct CountedRandom(ulong seed, long place, int row)
{
    private const ulong Odd = 0x9E3779B97F4A7C15;

    private ulong _state = Mixed(Mixed(Mixed(seed) + (ulong)place) + (ulong)row);

    /// <summary>At least 0 and less than 1.</summary>
    public double Next()
    {
        _state += Odd;
        return (Mixed(_state) >> 11) * (1.0 / (1UL << 53));
    }

    /// <summary>At least from, and less than to.</summary>
    public double Between(double from, double to) => from + ((to - from) * Next());

    /// <summary>At least 0 and less than count.</summary>
    public int Below(int count) => (int)(Next() * count);

    /// <summary>Whether something of a probability is so.</summary>
    public bool Is(double probability) => Next() < probability;

    /// <summary>Of a Beta distribution with two equal whole parameters.</summary>
    public double Beta(int parameter)
    {
        var (a, b) = (0.0, 0.0); // Gamma's, as sums of exponential ones
        for (var i = 0; i < parameter; i++)
        {
            a -= Math.Log(1 - Next());
            b -= Math.Log(1 - Next());
        }

        return a / (a + b);
    }

    private static ulong Mixed(ulong x)
    {
        x += Odd;
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
