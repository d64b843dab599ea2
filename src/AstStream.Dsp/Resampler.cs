using System.Runtime.CompilerServices;
using AstStream.Dsp.Simd;

namespace AstStream.Dsp;

/// <summary>
/// Streaming polyphase resampler between any two rates from 8 to 192 kHz. Linear phase, its delay taken off: output sample n
/// is the input at time n·in/out. Kaiser-windowed sinc; flat to 0.92 of the lower Nyquist frequency, at least 90 dB down
/// from that frequency on. The output does not depend on how the input was cut into blocks. Nothing is allocated after
/// construction. For one thread at a time.
/// </summary>
public sealed unsafe class Resampler
{
    private const int Capacity = 8192; // input samples held beside the filter's own length

    private readonly PolyphaseFilter? _filter; // null: the rates are the same
    private readonly SimdKernel _kernel;
    private readonly float[] _buffer; // pinned
    private readonly float* _input;
    private int _count; // samples in the buffer
    private int _base; // where in the buffer the next output's first tap stands
    private int _phase; // of the next output: its time's fraction, in units of 1/Up
    private int _tail; // zeros still to be pushed behind the end
    private long _left; // outputs still owed after the end; -1 before it
    private long _inputs;
    private long _outputs;

    /// <summary>Makes a resampler.</summary>
    /// <exception cref="ArgumentOutOfRangeException">A rate is not in 8,000..192,000.</exception>
    /// <exception cref="NotSupportedException">The kernel asked for can't run on this processor.</exception>
    public Resampler(int inputRate, int outputRate, SimdKernel? kernel = null)
    {
        foreach (var rate in (ReadOnlySpan<int>)[inputRate, outputRate])
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(rate, PcmFormat.MinSampleRate, nameof(inputRate));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(rate, PcmFormat.MaxSampleRate, nameof(inputRate));
        }

        InputRate = inputRate;
        OutputRate = outputRate;
        _kernel = kernel ?? SimdKernels.Default;
        if (!SimdKernels.IsSupported(_kernel))
            throw new NotSupportedException($"this processor can't run the {_kernel} kernel");
        _filter = inputRate == outputRate ? null : PolyphaseFilter.Get(inputRate, outputRate);
        _buffer = GC.AllocateArray<float>(_filter is null ? 1 : _filter.Taps + Capacity, pinned: true);
        _input = (float*)Unsafe.AsPointer(ref _buffer[0]);
        Reset();
    }

    /// <summary>Samples a second that go in.</summary>
    public int InputRate { get; }

    /// <summary>Samples a second that come out.</summary>
    public int OutputRate { get; }

    /// <summary>
    /// Takes samples and gives resampled ones; returns how many it gave and says how many it took. Call again with the rest
    /// until all are taken; it always takes or gives something unless both spans are used up.
    /// </summary>
    public int Process(ReadOnlySpan<float> input, Span<float> output, out int taken)
    {
        if (_filter is null)
        {
            taken = Math.Min(input.Length, output.Length);
            input[..taken].CopyTo(output);
            return taken;
        }

        taken = Take(input);
        _inputs += taken;
        var given = Give(output);
        _outputs += given;
        return given;
    }

    /// <summary>
    /// After the last sample: gives what the filter still holds. Call until it gives 0; then ⌈inputs·out/in⌉ samples
    /// have come out in all.
    /// </summary>
    public int Flush(Span<float> output)
    {
        if (_filter is null)
            return 0;
        if (_left < 0)
        {
            _tail = _filter.Taps; // zeros behind the last sample, as there were before the first
            _left = (((_inputs * _filter.Up) + _filter.Down - 1) / _filter.Down) - _outputs;
        }

        var given = 0;
        while (_left > 0 && given < output.Length)
        {
            Compact();
            var zeros = Math.Min(_tail, _buffer.Length - _count);
            new Span<float>(_input + _count, zeros).Clear();
            _count += zeros;
            _tail -= zeros;
            var n = Give(output[given..(int)Math.Min(output.Length, given + _left)]);
            given += n;
            _left -= n;
            if (n == 0 && zeros == 0)
                throw new InvalidOperationException("the resampler owes samples that it can't compute");
        }

        return given;
    }

    /// <summary>Forgets what was pushed: the next sample is the first of a new stream.</summary>
    public void Reset()
    {
        // The first output's centre tap stands on the first sample: the taps before it see silence.
        _count = _filter is null ? 0 : (_filter.Taps / 2) - 1;
        _buffer.AsSpan(0, _count).Clear();
        _base = _phase = _tail = 0;
        _inputs = _outputs = 0;
        _left = -1;
    }

    private int Take(ReadOnlySpan<float> input)
    {
        if (_buffer.Length - _count < input.Length)
            Compact();
        var taken = Math.Min(input.Length, _buffer.Length - _count);
        input[..taken].CopyTo(_buffer.AsSpan(_count));
        _count += taken;
        return taken;
    }

    private void Compact()
    {
        // Where the input rate is far the higher, the next output's taps may begin beyond what has come.
        var drop = Math.Min(_base, _count);
        _buffer.AsSpan(drop, _count - drop).CopyTo(_buffer);
        _base -= drop;
        _count -= drop;
    }

    private int Give(Span<float> output) => _kernel switch
    {
        SimdKernel.Avx512 => Give<Avx512Lanes>(output),
        SimdKernel.Avx2 => Give<Avx2Lanes>(output),
        SimdKernel.Vector128 => Give<Vector128Lanes>(output),
        _ => Give<ScalarLanes>(output),
    };

    private int Give<T>(Span<float> output)
        where T : unmanaged, ILanes<T>
    {
        var filter = _filter!;
        int taps = filter.Taps, up = filter.Up, whole = filter.Down / up, part = filter.Down % up;
        var given = 0;
        for (; given < output.Length && _base + taps <= _count; given++)
        {
            output[given] = filter.IsExact
                ? Dot<T>(_input + _base, filter.Row(_phase), taps)
                : Interpolated<T>(filter, _input + _base);
            _base += whole;
            _phase += part;
            if (_phase >= up)
            {
                _phase -= up;
                _base++;
            }
        }

        return given;
    }

    private float Interpolated<T>(PolyphaseFilter filter, float* x)
        where T : unmanaged, ILanes<T>
    {
        var at = (double)_phase * PolyphaseFilter.MaxPhases / filter.Up;
        var row = (int)at;
        var fraction = (float)(at - row);
        var a = Dot<T>(x, filter.Row(row), filter.Taps);
        return a + (fraction * (Dot<T>(x, filter.Row(row + 1), filter.Taps) - a));
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static float Dot<T>(float* a, float* b, int count)
        where T : unmanaged, ILanes<T>
    {
        T s0 = T.Broadcast(0), s1 = s0, s2 = s0, s3 = s0;
        var i = 0;
        for (; i <= count - (4 * T.Count); i += 4 * T.Count)
        {
            s0 = T.MultiplyAdd(T.Load(a + i), T.Load(b + i), s0);
            s1 = T.MultiplyAdd(T.Load(a + i + T.Count), T.Load(b + i + T.Count), s1);
            s2 = T.MultiplyAdd(T.Load(a + i + (2 * T.Count)), T.Load(b + i + (2 * T.Count)), s2);
            s3 = T.MultiplyAdd(T.Load(a + i + (3 * T.Count)), T.Load(b + i + (3 * T.Count)), s3);
        }

        for (; i < count; i += T.Count)
            s0 = T.MultiplyAdd(T.Load(a + i), T.Load(b + i), s0);
        return T.Sum(s0 + s1 + (s2 + s3));
    }
}

/// <summary>
/// The taps of one pair of rates, shared by all streams that need it. Up/Down is out/in in lowest terms. With at most
/// <see cref="MaxPhases"/> phases every phase has its row; with more, rows lie on a fixed grid and neighbours are
/// interpolated linearly (error under -100 dB).
/// </summary>
internal sealed unsafe class PolyphaseFilter
{
    public const int MaxPhases = 1024;

    private const double Attenuation = 100; // dB
    private const double PassBand = 0.92; // of the lower Nyquist frequency

    // Weak: a filter lives as long as a stream that uses it, whatever rates come by in a run of months.
    private static readonly Dictionary<(int, int), WeakReference<PolyphaseFilter>> s_cache = [];

    private readonly float[] _rows; // pinned
    private readonly float* _first;

    private PolyphaseFilter(int inputRate, int outputRate)
    {
        var divisor = Gcd(inputRate, outputRate);
        Up = outputRate / divisor;
        Down = inputRate / divisor;
        IsExact = Up <= MaxPhases;

        // Kaiser's formulas (Oppenheim & Schafer, Discrete-Time Signal Processing, 7.6) for a pass band to 0.92 and a stop
        // band from 1.0 of the lower Nyquist frequency, in units of the input's samples.
        var nyquist = Math.Min(inputRate, outputRate) / 2.0 / inputRate;
        var width = 2 * Math.PI * nyquist * (1 - PassBand);
        var beta = 0.1102 * (Attenuation - 8.7);
        var cutoff = nyquist * (1 + PassBand); // twice the centre of the transition band
        var half = (int)Math.Ceiling((Attenuation - 7.95) / (2.285 * width) / 2);
        Taps = ((2 * half) + 15) & ~15;
        var centre = (Taps / 2) - 1;
        var rows = IsExact ? Up : MaxPhases + 1;
        _rows = GC.AllocateArray<float>((rows * Taps) + 16, pinned: true);
        var first = (float*)Unsafe.AsPointer(ref _rows[0]);
        _first = (float*)(((nuint)first + 63) & ~(nuint)63);
        var norm = 1 / BesselI0(beta);
        for (var row = 0; row < rows; row++)
        {
            var fraction = row / (double)(IsExact ? Up : MaxPhases);
            for (var tap = 0; tap < Taps; tap++)
            {
                var time = tap - centre - fraction;
                var edge = time / half;
                if (Math.Abs(edge) < 1)
                    _first[(row * Taps) + tap] = (float)(cutoff * Sinc(cutoff * time) * BesselI0(beta * Math.Sqrt(1 - (edge * edge))) * norm);
            }
        }
    }

    /// <summary>Numerator of out/in.</summary>
    public int Up { get; }

    /// <summary>Denominator of out/in.</summary>
    public int Down { get; }

    /// <summary>Taps of one output, a multiple of 16.</summary>
    public int Taps { get; }

    /// <summary>Whether each phase has its own row.</summary>
    public bool IsExact { get; }

    public static PolyphaseFilter Get(int inputRate, int outputRate)
    {
        lock (s_cache)
        {
            if (s_cache.TryGetValue((inputRate, outputRate), out var weak) && weak.TryGetTarget(out var filter))
                return filter;
            filter = new PolyphaseFilter(inputRate, outputRate);
            s_cache[(inputRate, outputRate)] = new WeakReference<PolyphaseFilter>(filter);
            return filter;
        }
    }

    public float* Row(int row) => _first + ((long)row * Taps);

    private static int Gcd(int a, int b) => b == 0 ? a : Gcd(b, a % b);

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
