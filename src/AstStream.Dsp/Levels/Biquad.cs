using System.Numerics;
using System.Runtime.CompilerServices;

namespace AstStream.Dsp.Levels;

/// <summary>A filter of order two, in transposed direct form II: (b0 + b1 z⁻¹ + b2 z⁻²) / (1 + a1 z⁻¹ + a2 z⁻²).</summary>
internal struct Biquad
{
    private const double Nothing = 1e-30; // of a state: far under anything that is heard, far over what makes processors slow

    private readonly double _b0;
    private readonly double _b1;
    private readonly double _b2;
    private readonly double _a1;
    private readonly double _a2;
    private double _s1;
    private double _s2;

    /// <summary>Two filters of order one, one after the other.</summary>
    /// <param name="first">The one.</param>
    /// <param name="second">The other.</param>
    /// <param name="gain">What all is multiplied by.</param>
    public Biquad(FirstOrder first, FirstOrder second, double gain = 1)
    {
        _b0 = gain * first.B0 * second.B0;
        _b1 = gain * ((first.B0 * second.B1) + (first.B1 * second.B0));
        _b2 = gain * first.B1 * second.B1;
        _a1 = first.A1 + second.A1;
        _a2 = first.A1 * second.A1;
    }

    /// <summary>Takes a sample, gives one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public double Next(double x)
    {
        var y = Math.FusedMultiplyAdd(_b0, x, _s1);
        _s1 = Math.FusedMultiplyAdd(-_a1, y, Math.FusedMultiplyAdd(_b1, x, _s2));
        _s2 = Math.FusedMultiplyAdd(-_a2, y, _b2 * x);
        return y;
    }

    /// <summary>The magnitude of its response to a frequency in cycles a sample.</summary>
    public readonly double Gain(double frequency)
    {
        var z = Complex.FromPolarCoordinates(1, -2 * Math.PI * frequency);
        return Complex.Abs((_b0 + (z * (_b1 + (z * _b2)))) / (1 + (z * (_a1 + (z * _a2)))));
    }

    /// <summary>Forgets a state that has died away.</summary>
    public void Settle()
    {
        if (Math.Abs(_s1) < Nothing && Math.Abs(_s2) < Nothing)
            Reset();
    }

    /// <summary>Forgets what came before.</summary>
    public void Reset() => (_s1, _s2) = (0, 0);
}
