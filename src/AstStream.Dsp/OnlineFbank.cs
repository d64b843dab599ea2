using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using AstStream.Dsp.Simd;

namespace AstStream.Dsp;

/// <summary>
/// Log-mel filterbank energies of a stream, frame by frame: push samples in blocks of any length, pull whole frames.
/// The frames do not depend on how the samples were cut into blocks, to the last bit: the mean is removed per frame, so an
/// online front end gives the very frames that a one-shot one gives.
/// Nothing is allocated after construction. For one thread at a time.
/// </summary>
/// <example>
/// <code>
/// while (!samples.IsEmpty) { samples = samples[fbank.AcceptWaveform(samples)..]; var frames = fbank.Read(buffer); // buffer: any number of
/// rows of NumMelBins floats }
/// </code>
/// </example>
public sealed unsafe class OnlineFbank
{
    private const int Guard = 16; // floats readable around the planes: a frame's predecessor before, a register after
    private const int PlaneLength = 2048;

    private readonly FbankKernel _kernel;
    private readonly float[] _memory; // what points into it must keep it alive: an object that nobody else sees may have no fields at all
    private readonly float* _even;
    private readonly float* _odd;

    private int _start; // first pair still needed
    private int _pairs; // pairs present
    private float _pending; // an even sample whose odd partner has not come
    private bool _hasPending;

    /// <summary>Makes a front end.</summary>
    /// <exception cref="ArgumentOutOfRangeException">num_mel_bins is not in 1..256.</exception>
    /// <exception cref="NotSupportedException">The kernel asked for can't run on this processor.</exception>
    public OnlineFbank(FbankOptions? options = null)
        : this(Checked(options ??= new FbankOptions()).NumMelBins, options.Kernel ?? SimdKernels.Default, FbankKernel.Create(options))
    {
    }

    private OnlineFbank(int numMelBins, SimdKernel kernel, FbankKernel tables)
    {
        NumMelBins = numMelBins;
        Kernel = kernel;
        _kernel = tables;
        _memory = GC.AllocateArray<float>(2 * (PlaneLength + (2 * Guard)), pinned: true);
        _even = (float*)Unsafe.AsPointer(ref _memory[0]) + Guard;
        _odd = _even + PlaneLength + (2 * Guard);
    }

    /// <summary>
    /// A front end for another stream with the same options. It shares this one's tables and scratch memory (most of what one takes), so
    /// both belong to the same thread at a time.
    /// </summary>
    public OnlineFbank Another() => new(NumMelBins, Kernel, _kernel);

    /// <summary>Floats in one frame.</summary>
    public int NumMelBins { get; }

    /// <summary>The kernel that runs.</summary>
    public SimdKernel Kernel { get; }

    /// <summary>Whole frames that <see cref="Read"/> can give now.</summary>
    public int NumFramesReady => (int)FbankOptions.NumFrames(2L * (_pairs - _start));

    /// <summary>
    /// Takes samples (mono, 16 kHz, [-1, 1]) and returns how many it took: all of them, unless frames wait to be read
    /// and the buffer (a quarter of a second) is full. After reading all frames it always takes at least one sample.
    /// </summary>
    public int AcceptWaveform(ReadOnlySpan<float> samples)
    {
        if (samples.IsEmpty)
            return 0;
        if (PlaneLength - _pairs < (samples.Length / 2) + 1)
            Compact();
        var taken = 0;
        if (_hasPending && _pairs < PlaneLength)
        {
            _even[_pairs] = _pending;
            _odd[_pairs++] = samples[0];
            _hasPending = false;
            taken = 1;
        }

        var pairs = Math.Min((samples.Length - taken) / 2, PlaneLength - _pairs);
        fixed (float* p = samples)
            _kernel.Deinterleave(p + taken, _even + _pairs, _odd + _pairs, pairs);
        _pairs += pairs;
        taken += 2 * pairs;
        if (!_hasPending && samples.Length - taken == 1)
        {
            _pending = samples[taken++];
            _hasPending = true;
        }

        GC.KeepAlive(_memory);
        return taken;
    }

    /// <summary>
    /// Computes frames into rows of <see cref="NumMelBins"/> floats and returns how many: as many as are ready and fit.
    /// </summary>
    public int Read(Span<float> frames)
    {
        var count = Math.Min(NumFramesReady, frames.Length / NumMelBins);
        fixed (float* p = frames)
        {
            for (var i = 0; i < count; i++)
            {
                _kernel.Frame(_even + _start, _odd + _start, p + (i * NumMelBins));
                _start += FbankOptions.FrameShift / 2;
            }
        }

        GC.KeepAlive(_memory);
        return count;
    }

    /// <summary>Takes samples, all of them, and appends the frames that are whole by then.</summary>
    /// <param name="samples">Mono samples at 16 kHz in [-1, 1].</param>
    /// <param name="frames">Receives rows of <see cref="NumMelBins"/> floats.</param>
    public void AppendFrames(ReadOnlySpan<float> samples, List<float> frames)
    {
        while (!samples.IsEmpty)
        {
            samples = samples[AcceptWaveform(samples)..];
            var at = frames.Count;
            CollectionsMarshal.SetCount(frames, at + (NumFramesReady * NumMelBins));
            Read(CollectionsMarshal.AsSpan(frames)[at..]);
        }
    }

    /// <summary>Forgets what was pushed: the next sample is the first of a new stream.</summary>
    public void Reset()
    {
        _start = _pairs = 0;
        _hasPending = false;
    }

    private static FbankOptions Checked(FbankOptions options)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(options.NumMelBins, 1, nameof(options));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(options.NumMelBins, 256, nameof(options));
        return options;
    }

    private void Compact()
    {
        var length = _pairs - _start;
        new Span<float>(_even + _start, length).CopyTo(new Span<float>(_even, length));
        new Span<float>(_odd + _start, length).CopyTo(new Span<float>(_odd, length));
        _start = 0;
        _pairs = length;
    }
}
