using System.Runtime.CompilerServices;

namespace AstStream.Dsp;

/// <summary>
/// One step of a resampler: takes samples into a buffer of its own, gives what it can compute of them. Its delay is taken off.
/// </summary>
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
    public void Added(int samples)
    {
        Count += samples;
        GC.KeepAlive(_memory);
    }

    /// <summary>Gives what can be computed, as far as there is room for it.</summary>
    public int Give(Span<float> output)
    {
        var given = Compute(output);
        GC.KeepAlive(_memory);
        return given;
    }

    /// <summary>Forgets all that was taken.</summary>
    public virtual void Reset()
    {
        new Span<float>(Buffer, _before).Clear();
        Count = _before;
        Used = 0;
    }

    /// <summary>Computes outputs, as far as there is room for them.</summary>
    protected abstract int Compute(Span<float> output);

    /// <summary>Samples at the front that nothing needs any more; may lie after what has come.</summary>
    protected int Used { get; set; }
}
