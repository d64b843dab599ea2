using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;

namespace AstStream.Dsp.Levels;

/// <summary>
/// The filters of three neighbouring one-third-octave bands, side by side: Butterworth band-passes of four resonances each, by the bilinear
/// transform, exact at their edges (IEC 61260-1).
/// </summary>
internal sealed class OctaveFilters
{
    private const int Resonances = 4;
    private const float Nothing = 1e-20f; // of a state, as in Biquad

    private readonly Vector128<float>[] _a1 = new Vector128<float>[Resonances]; // a lane a band
    private readonly Vector128<float>[] _a2 = new Vector128<float>[Resonances];
    private readonly Vector128<float>[] _y1 = new Vector128<float>[Resonances + 1]; // what each was given last; what the last one gave
    private readonly Vector128<float>[] _y2 = new Vector128<float>[Resonances + 1]; // and the one before that
    private readonly double[] _scale = new double[ThirdOctaves.PerOctave]; // from the squares that come out to those of the band

    /// <summary>Makes the filters.</summary>
    /// <param name="first">The lowest of the bands.</param>
    /// <param name="sampleRate">Samples a second.</param>
    public OctaveFilters(int first, double sampleRate)
    {
        for (var lane = 0; lane < ThirdOctaves.PerOctave; lane++)
        {
            var (low, high) = ThirdOctaves.Edges(first + lane);
            var (w1, w2) = (Math.Tan(Math.PI * low / sampleRate), Math.Tan(Math.PI * high / sampleRate));
            var (product, width) = (w1 * w2, w2 - w1);
            var gain = 1.0;
            var centre = Complex.FromPolarCoordinates(1, -2 * Math.Atan(Math.Sqrt(product)));
            var at = 0;
            for (var pole = 0; pole < Resonances / 2; pole++)
            {
                // A pole of the low-pass prototype becomes two of the band-pass; their conjugates come from the pole's own conjugate.
                var p = width / 2 * Complex.FromPolarCoordinates(1, Math.PI * ((2 * pole) + Resonances + 1) / (2 * Resonances));
                var root = Complex.Sqrt((p * p) - product);
                foreach (var s in (Complex[])[p + root, p - root])
                {
                    var z = (1 + s) / (1 - s);
                    var (a1, a2) = (-2 * z.Real, (z.Real * z.Real) + (z.Imaginary * z.Imaginary));
                    _a1[at] = _a1[at].WithElement(lane, (float)a1);
                    _a2[at] = _a2[at].WithElement(lane, (float)a2);
                    gain *= Complex.Abs((1 - (centre * centre)) / (1 + (centre * (a1 + (centre * a2)))));
                    at++;
                }
            }

            _scale[lane] = 1 / (gain * gain);
        }
    }

    /// <summary>Takes samples and adds the squares of what each band lets through.</summary>
    /// <param name="samples">The samples.</param>
    /// <param name="weight">How many samples of the full rate one stands for.</param>
    /// <param name="squares">What is added to, a number a band.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Run(ReadOnlySpan<float> samples, double weight, Span<double> squares)
    {
        var (p0, p1, p2, p3) = (_a1[0], _a1[1], _a1[2], _a1[3]);
        var (q0, q1, q2, q3) = (_a2[0], _a2[1], _a2[2], _a2[3]);
        var (x1, y1, z1, v1, w1) = (_y1[0], _y1[1], _y1[2], _y1[3], _y1[4]);
        var (x2, y2, z2, v2, w2) = (_y2[0], _y2[1], _y2[2], _y2[3], _y2[4]);
        var sum = Vector128<float>.Zero;
        foreach (var sample in samples)
        {
            // Each is (1 - z⁻²) / (1 + a1 z⁻¹ + a2 z⁻²), in direct form I; what one gives is what the next one takes.
            var x = Vector128.Create(sample);
            var y = Next(x, x2, y1, y2, p0, q0);
            var z = Next(y, y2, z1, z2, p1, q1);
            var v = Next(z, z2, v1, v2, p2, q2);
            var w = Next(v, v2, w1, w2, p3, q3);
            sum = Vector128.MultiplyAddEstimate(w, w, sum);
            (x2, y2, z2, v2, w2) = (x1, y1, z1, v1, w1);
            (x1, y1, z1, v1, w1) = (x, y, z, v, w);
        }

        (_y1[0], _y1[1], _y1[2], _y1[3], _y1[4]) = (Settled(x1), Settled(y1), Settled(z1), Settled(v1), Settled(w1));
        (_y2[0], _y2[1], _y2[2], _y2[3], _y2[4]) = (Settled(x2), Settled(y2), Settled(z2), Settled(v2), Settled(w2));
        for (var lane = 0; lane < squares.Length; lane++)
            squares[lane] += weight * _scale[lane] * sum[lane];
    }

    /// <summary>Forgets what came before.</summary>
    public void Reset()
    {
        Array.Clear(_y1);
        Array.Clear(_y2);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<float> Next(
        Vector128<float> x, Vector128<float> x2, Vector128<float> y1, Vector128<float> y2, Vector128<float> a1, Vector128<float> a2) =>
        Vector128.MultiplyAddEstimate(-a1, y1, Vector128.MultiplyAddEstimate(-a2, y2, x - x2));

    private static Vector128<float> Settled(Vector128<float> state) =>
        Vector128.ConditionalSelect(Vector128.LessThan(Vector128.Abs(state), Vector128.Create(Nothing)), default, state);
}
