using System.Runtime.CompilerServices;
using AstStream.Dsp.Simd;

namespace AstStream.Dsp;

/// <summary>
/// The taps of one ratio of rates, for signals that reach up to some frequency. Up/Down is out/in in lowest terms. With at most
/// <see cref="MaxPhases"/> phases every phase has its row; with more, rows lie on a fixed grid and neighbours are interpolated linearly
/// (error under -100 dB).
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
            output[given] = IsExact
                ? Dot<T>(input + place, _first + ((long)fraction * taps), taps) : Interpolated<T>(input + place, fraction);
            place += whole;
            fraction += part;
            if (fraction >= up)
            {
                fraction -= up;
                place++;
            }
        }

        (at, phase) = (place, fraction);
        GC.KeepAlive(_rows);
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
