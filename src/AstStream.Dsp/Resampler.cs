using AstStream.Dsp.Simd;

namespace AstStream.Dsp;

/// <summary>
/// Streaming resampler between any two rates from 8 to 192 kHz. Linear phase, its delay taken off: output sample n is the input at time
/// n·in/out. Flat to 0.92 of the lower Nyquist frequency, at least 90 dB down from that frequency on. The output does not depend on how the
/// input was cut into blocks; it comes in blocks of its own, at most 100 ms later. Nothing is allocated after construction. For
/// one thread at a time.
/// </summary>
public sealed class Resampler
{
    private readonly ResamplerPlan? _plan; // null: the rates are the same
    private readonly PolyphaseStage? _first;
    private readonly LowPassStage _sharp = null!;
    private readonly PolyphaseStage? _last;
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
        var lanes = kernel ?? SimdKernels.Default;
        if (!SimdKernels.IsSupported(lanes))
            throw new NotSupportedException($"this processor can't run the {lanes} kernel");
        if (inputRate != outputRate)
        {
            _plan = ResamplerPlan.Get(inputRate, outputRate, lanes);
            _first = _plan.First is { } first ? new PolyphaseStage(first) : null;
            _sharp = new LowPassStage(_plan.Sharp, _plan.Step);
            _last = _plan.Last is { } last ? new PolyphaseStage(last) : null;
        }

        Reset();
    }

    /// <summary>Samples a second that go in.</summary>
    public int InputRate { get; }

    /// <summary>Samples a second that come out.</summary>
    public int OutputRate { get; }

    /// <summary>
    /// Input samples, at least 1, after which its blocks and phases stand as at the start: a resampler that begins at a multiple of this
    /// gives what one from the start gives, bit for bit, once it has heard <see cref="Reach"/> samples. Where that would take longer than
    /// 30 s (11,025, 88,200, 47,999 Hz to 16,000), only the phases do, and the two differ by rounding.
    /// </summary>
    public int Period => _plan?.Period ?? 1;

    /// <summary>Input samples after which an output no longer depends on what was before; 0 where the rates are the same.</summary>
    public int Reach => _plan?.Reach ?? 0;

    /// <summary>
    /// Where, at the latest, a resampler must begin that is to give what one from sample 0 gives for the time from a sample on.
    /// </summary>
    /// <param name="sample">The sample, at the input's rate.</param>
    /// <param name="inputRate">Samples a second that go in.</param>
    /// <param name="outputRate">Samples a second that come out.</param>
    public static long StartFor(long sample, int inputRate, int outputRate)
    {
        if (inputRate == outputRate)
            return sample;
        var plan = ResamplerPlan.Get(inputRate, outputRate, SimdKernels.Default);
        return Math.Max(0, sample - plan.Reach) / plan.Period * plan.Period;
    }

    /// <summary>
    /// Takes samples and gives resampled ones; returns how many it gave and says how many it took. Call again with the rest
    /// until all are taken; it always takes or gives something unless both spans are used up.
    /// </summary>
    public int Process(ReadOnlySpan<float> input, Span<float> output, out int taken)
    {
        if (_plan is null)
        {
            taken = Math.Min(input.Length, output.Length);
            input[..taken].CopyTo(output);
            return taken;
        }

        var given = Move(input, output, out taken);
        _inputs += taken;
        _outputs += given;
        return given;
    }

    /// <summary>
    /// After the last sample: gives what the filters still hold. Call until it gives 0; then ⌈inputs·out/in⌉ samples
    /// have come out in all.
    /// </summary>
    public int Flush(Span<float> output)
    {
        if (_plan is null)
            return 0;
        if (_left < 0)
            _left = (long)((((Int128)_inputs * OutputRate) + InputRate - 1) / InputRate) - _outputs;

        // Silence after the last sample, as there was before the first.
        Span<float> silence = stackalloc float[256];
        silence.Clear();
        var given = 0;
        while (_left > 0 && given < output.Length)
        {
            var n = Move(silence, output[given..(int)Math.Min(output.Length, given + _left)], out _);
            given += n;
            _left -= n;
        }

        return given;
    }

    /// <summary>Forgets what was pushed: the next sample is the first of a new stream.</summary>
    public void Reset()
    {
        if (_plan is not null)
        {
            _first?.Reset();
            _sharp.Reset();
            _last?.Reset();
        }

        _inputs = _outputs = 0;
        _left = -1;
    }

    /// <summary>Moves samples through the stages until nothing moves any more.</summary>
    private int Move(ReadOnlySpan<float> input, Span<float> output, out int taken)
    {
        var given = 0;
        taken = 0;
        for (var moved = -1; moved != taken + given;)
        {
            moved = taken + given;
            taken += (_first ?? (ResamplerStage)_sharp).Take(input[taken..]);
            while (_first is not null && Pass(_first, _sharp))
            {
                // until it has nothing more, or there is no room
            }

            if (_last is null)
            {
                given += _sharp.Give(output[given..]);
                continue;
            }

            do
                given += _last.Give(output[given..]);
            while (Pass(_sharp, _last));
        }

        return given;
    }

    private static bool Pass(ResamplerStage from, ResamplerStage to)
    {
        var passed = from.Give(to.Free());
        to.Added(passed);
        return passed > 0;
    }
}
