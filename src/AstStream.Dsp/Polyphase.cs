using System.Runtime.CompilerServices;
using AstStream.Dsp.Simd;

namespace AstStream.Dsp;

/// <summary>
/// The taps of one ratio of rates, for signals that reach up to some frequency. Up/Down is out/in in lowest terms. With at most
/// <see cref="MaxPhases"/> phases every phase has its row; with more, rows lie on a fixed grid and neighbours are interpolated linearly (error
/// under -100 dB).
/// </summary>
internal sealed unsafe class Polyphase
{
    public const int MaxPhases = 1024;

    private readonly float[] _rows; // pinned
    private readonly float* _first;
    private readonly SimdKernel _kernel;

    /// <summary>Makes the taps.</summary>
    /// <param name="up">Numerator of out/in.</param>
    /// <param name="down">Denominator of out/in; the two have no common divisor.</param>
    /// <param name="pass">Up to where it is flat, in cycles a sample of the input.</param>
    /// <param name="stop">From where on nothing passes, in the same unit.</param>
    /// <param name="kernel">How products are computed.</param>
    public Polyphase(int up, int down, double pass, double stop, SimdKernel kernel)
    {
        (Up, Down, _kernel) = (up, down, kernel);
        IsExact = Up <= MaxPhases;
        var sinc = new KaiserSinc(pass, stop);
        var half = (int)Math.Ceiling(sinc.Half);
        Taps = ((2 * half) + 15) & ~15;
        var centre = (Taps / 2) - 1;
        var rows = IsExact ? Up : MaxPhases + 1;
        _rows = GC.AllocateArray<float>((rows * Taps) + 16, pinned: true);
        _first = (float*)(((nuint)Unsafe.AsPointer(ref _rows[0]) + 63) & ~(nuint)63);
        for (var row = 0; row < rows; row++)
        {
            var fraction = row / (double)(IsExact ? Up : MaxPhases);
            for (var tap = 0; tap < Taps; tap++)
                _first[(row * Taps) + tap] = (float)sinc.At(tap - centre - fraction);
        }
    }

    /// <summary>Numerator of out/in.</summary>
    public int Up { get; }

    /// <summary>Denominator of out/in.</summary>
    public int Down { get; }

    /// <summary>Taps of one output, a multiple of 16.</summary>
    public int Taps { get; }

    private bool IsExact { get; }

    /// <summary>Computes outputs while there are samples for them, and returns how many.</summary>
    /// <param name="input">The samples.</param>
    /// <param name="count">How many there are.</param>
    /// <param name="at">Where the next output's first tap stands; moves on.</param>
    /// <param name="phase">The fraction of the next output's time, in units of 1/Up; moves on.</param>
    /// <param name="output">Room for outputs.</param>
    public int Run(float* input, int count, ref int at, ref int phase, Span<float> output) => _kernel switch
    {
        SimdKernel.Avx512 => Run<Avx512Lanes>(input, count, ref at, ref phase, output),
        SimdKernel.Avx2 => Run<Avx2Lanes>(input, count, ref at, ref phase, output),
        SimdKernel.Vector128 => Run<Vector128Lanes>(input, count, ref at, ref phase, output),
        _ => Run<ScalarLanes>(input, count, ref at, ref phase, output),
    };

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private int Run<T>(float* input, int count, ref int at, ref int phase, Span<float> output)
        where T : unmanaged, ILanes<T>
    {
        int taps = Taps, up = Up, whole = Down / up, part = Down % up, place = at, fraction = phase;
        var given = 0;
        for (; given < output.Length && place + taps <= count; given++)
        {
            output[given] = IsExact ? Dot<T>(input + place, _first + ((long)fraction * taps), taps) : Interpolated<T>(input + place, fraction);
            place += whole;
            fraction += part;
            if (fraction >= up)
            {
                fraction -= up;
                place++;
            }
        }

        (at, phase) = (place, fraction);
        return given;
    }

    private float Interpolated<T>(float* x, int phase)
        where T : unmanaged, ILanes<T>
    {
        var at = (double)phase * MaxPhases / Up;
        var row = (int)at;
        var a = Dot<T>(x, _first + ((long)row * Taps), Taps);
        return a + ((float)(at - row) * (Dot<T>(x, _first + ((row + 1L) * Taps), Taps) - a));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static float Dot<T>(float* a, float* b, int count)
        where T : unmanaged, ILanes<T>
    {
        T s0 = T.Load(a) * T.Load(b), s1 = T.Broadcast(0);
        var i = T.Count;
        for (; i <= count - (2 * T.Count); i += 2 * T.Count)
        {
            s0 = T.MultiplyAdd(T.Load(a + i), T.Load(b + i), s0);
            s1 = T.MultiplyAdd(T.Load(a + i + T.Count), T.Load(b + i + T.Count), s1);
        }

        if (i < count)
            s0 = T.MultiplyAdd(T.Load(a + i), T.Load(b + i), s0);
        return T.Sum(s0 + s1);
    }
}

/// <summary>
/// A Kaiser-windowed sinc by Kaiser's formulas (Oppenheim &amp; Schafer, Discrete-Time Signal Processing, 7.6), 100 dB down. Frequencies are in
/// cycles a sample, times in samples.
/// </summary>
internal sealed class KaiserSinc
{
    private const double Attenuation = 100; // dB
    private const double Beta = 0.1102 * (Attenuation - 8.7);

    private readonly double _cutoff; // twice the centre of the transition band
    private readonly double _norm = 1 / BesselI0(Beta);

    /// <summary>Designs it: flat up to pass, nothing from stop on.</summary>
    public KaiserSinc(double pass, double stop)
    {
        _cutoff = pass + stop;
        Half = (Attenuation - 7.95) / (2.285 * 2 * Math.PI * (stop - pass)) / 2;
    }

    /// <summary>How far it reaches to both sides.</summary>
    public double Half { get; }

    /// <summary>Its value at a time; its sum over all samples is 1.</summary>
    public double At(double time)
    {
        var edge = time / Math.Ceiling(Half);
        return Math.Abs(edge) < 1 ? _cutoff * Sinc(_cutoff * time) * BesselI0(Beta * Math.Sqrt(1 - (edge * edge))) * _norm : 0;
    }

    private static double Sinc(double x) => x == 0 ? 1 : Math.Sin(Math.PI * x) / (Math.PI * x);

    private static double BesselI0(double x)
    {
        double sum = 1, term = 1;
        for (var k = 1; term > sum * 1e-17; k++)
        {
            term *= x / (2 * k) * (x / (2 * k));
            sum += term;
        }

        return sum;
    }
}
