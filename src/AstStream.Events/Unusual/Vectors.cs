using System.Numerics;

namespace AstStream.Events.Unusual;

/// <summary>What is done with embeddings.</summary>
public static class Vectors
{
    /// <summary>The sum of the products of two of one length, in single precision.</summary>
    public static float Product(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        var sum = Vector<float>.Zero;
        var i = 0;
        for (; i <= a.Length - Vector<float>.Count; i += Vector<float>.Count)
            sum += new Vector<float>(a[i..]) * new Vector<float>(b[i..]);
        var product = Vector.Sum(sum);
        for (; i < a.Length; i++)
            product += a[i] * b[i];
        return product;
    }

    /// <summary>The length of one, in double precision.</summary>
    public static double Length(ReadOnlySpan<float> vector)
    {
        double square = 0;
        foreach (var value in vector)
            square += (double)value * value;
        return Math.Sqrt(square);
    }
}
