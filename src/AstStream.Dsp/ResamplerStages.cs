using System.Collections.Concurrent;
using System.Runtime.CompilerServices;

namespace AstStream.Dsp;

/// <summary>One step of a resampler: takes samples into a buffer of its own, gives what it can compute of them. Its delay is taken off.</summary>
internal abstract unsafe class ResamplerStage
{
    private readonly float[] _memory; // pinned
    private readonly int _before; // samples of silence before the first one

    /// <summary>Makes its buffer.</summary>
    /// <param name="length">Samples that it holds.</param>
    /// <param name="before">Samples of silence that stand before the first one.</param>
    protected ResamplerStage(int length, int before)
    {
        _before = before;
        _memory = GC.AllocateArray<float>(length + 16, pinned: true);
        Buffer = (float*)Unsafe.AsPointer(ref _memory[0]);
        Length = length;
    }

    protected float* Buffer { get; }

    protected int Length { get; }

    /// <summary>Samples in the buffer.</summary>
    protected int Count { get; private set; }

    /// <summary>Room for samples; the whole of what is free, made by moving what is there to the front.</summary>
    public Span<float> Free()
    {
        var drop = Math.Min(Used, Count);
        if (drop > 0)
        {
            new ReadOnlySpan<float>(Buffer + drop, Count - drop).CopyTo(new Span<float>(Buffer, Count - drop));
            Used -= drop;
            Count -= drop;
        }

        return new Span<float>(Buffer + Count, Length - Count);
    }

    /// <summary>Takes samples, as far as there is room for them.</summary>
    public int Take(ReadOnlySpan<float> samples)
    {
        var free = Free();
        var taken = Math.Min(samples.Length, free.Length);
        samples[..taken].CopyTo(free);
        Added(taken);
        return taken;
    }

    /// <summary>So many samples were written into the room.</summary>
    public void Added(int samples) => Count += samples;

    /// <summary>Gives what can be computed, as far as there is room for it.</summary>
    public abstract int Give(Span<float> output);

    /// <summary>Forgets all that was taken.</summary>
    public virtual void Reset()
    {
        new Span<float>(Buffer, _before).Clear();
        Count = _before;
        Used = 0;
    }

    /// <summary>Samples at the front that nothing needs any more; may lie behind what has come.</summary>
    protected int Used { get; set; }
}

/// <summary>A ratio of rates by a short filter.</summary>
internal sealed unsafe class PolyphaseStage : ResamplerStage
{
    private const int Capacity = 2048; // beside the filter's own length

    private readonly Polyphase _filter;
    private int _phase;

    public PolyphaseStage(Polyphase filter)
        : base(filter.Taps + Capacity, (filter.Taps / 2) - 1)
    {
        _filter = filter;
        Reset();
    }

    public override int Give(Span<float> output)
    {
        var at = Used;
        var given = _filter.Run(Buffer, Count, ref at, ref _phase, output);
        Used = at;
        return given;
    }

    public override void Reset()
    {
        base.Reset();
        _phase = 0;
    }
}

/// <summary>A sharp low-pass filter, before samples that are left out.</summary>
internal sealed unsafe class LowPassStage : ResamplerStage
{
    private const int Capacity = 1024; // beside what a run needs

    private static readonly ConcurrentQueue<float[]> s_scratch = []; // pinned; as many as ever ran at once

    private readonly LowPass _filter;
    private readonly int _step;
    private readonly float[] _output; // pinned
    private readonly float* _given;
    private int _next; // of the output that is to be given

    /// <summary>Makes the stage.</summary>
    /// <param name="filter">The filter.</param>
    /// <param name="step">Of what it gives, every step-th sample is kept.</param>
    public LowPassStage(LowPass filter, int step)
        : base((2 * filter.Half) + filter.Advance + Capacity, filter.Half)
    {
        (_filter, _step) = (filter, step);
        _output = GC.AllocateArray<float>(2 * filter.Block, pinned: true);
        _given = (float*)Unsafe.AsPointer(ref _output[0]);
        Reset();
    }

    public override int Give(Span<float> output)
    {
        var given = 0;
        while (given < output.Length)
        {
            var blocks = 2 * _filter.Block;
            if (_next >= blocks)
            {
                if (Count - Used < _filter.Advance + (2 * _filter.Half))
                    break;
                if (!s_scratch.TryDequeue(out var scratch))
                    scratch = GC.AllocateArray<float>(LowPass.Scratch + 16, pinned: true);
                _filter.Run(Buffer + Used, _given, (float*)(((nuint)Unsafe.AsPointer(ref scratch[0]) + 63) & ~(nuint)63));
                s_scratch.Enqueue(scratch);
                Used += _filter.Advance;
                _next -= blocks;
                continue;
            }

            if (_step == 1)
            {
                var part = Math.Min(output.Length - given, blocks - _next);
                new ReadOnlySpan<float>(_given + _next, part).CopyTo(output[given..]);
                (_next, given) = (_next + part, given + part);
            }
            else
            {
                for (; given < output.Length && _next < blocks; _next += _step)
                    output[given++] = _given[_next];
            }
        }

        return given;
    }

    public override void Reset()
    {
        base.Reset();
        _next = 2 * _filter.Block;
    }
}
