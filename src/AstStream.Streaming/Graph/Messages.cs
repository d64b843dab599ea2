using System.Collections.Concurrent;
using System.Diagnostics;

namespace AstStream.Streaming;

/// <summary>Whether an audio block carries samples or marks a place in its stream. Marks keep their place among the samples.</summary>
public enum MessageKind
{
    /// <summary>Samples.</summary>
    Data,

    /// <summary>Time is missing behind this place: what comes next does not join what came before.</summary>
    Discontinuity,

    /// <summary>The stream is over.</summary>
    End,
}

/// <summary>How many pooled objects are out: taken and not given back. None are, when no graph runs.</summary>
public static class PoolCounters
{
    private static long s_rented;
    private static long s_returned;

    /// <summary>Objects that are out now, over all pools of the process.</summary>
    public static long Outstanding => Interlocked.Read(ref s_rented) - Interlocked.Read(ref s_returned);

    internal static void Rented() => Interlocked.Increment(ref s_rented);

    internal static void Returned() => Interlocked.Increment(ref s_returned);
}

/// <summary>An object that is pooled. Whoever holds it owns it and passes it on or returns it, once.</summary>
public abstract class Pooled
{
    /// <summary>Gives the object back; the holder must not touch it afterwards.</summary>
    public abstract void Return();
}

/// <summary>The pool of one type of objects.</summary>
public abstract class Pooled<T> : Pooled
    where T : Pooled<T>, new()
{
    private static readonly ConcurrentQueue<T> s_pool = new();
    private bool _isOut;

    /// <summary>Takes one from the pool, or makes one.</summary>
    protected static T RentAny()
    {
        if (!s_pool.TryDequeue(out var item))
            item = new T();
        Debug.Assert(!item._isOut, "an object in the pool is in use");
        item._isOut = true;
        PoolCounters.Rented();
        return item;
    }

    /// <inheritdoc/>
    public sealed override void Return()
    {
        Debug.Assert(_isOut, "an object is given back twice");
        Clear();
        _isOut = false;
        PoolCounters.Returned();
        s_pool.Enqueue((T)this);
    }

    /// <summary>Lets go of what it refers to, before it lies in the pool.</summary>
    protected abstract void Clear();
}

/// <summary>Mono samples as they arrive, any length, in [-1, 1]; or a mark.</summary>
public sealed class AudioBlock : Pooled<AudioBlock>
{
    private float[] _values = [];
    private int _length;

    /// <summary>The stream that it belongs to.</summary>
    public StreamInfo Stream { get; private set; } = null!;

    /// <summary>Samples, or a mark.</summary>
    public MessageKind Kind { get; private set; }

    /// <summary>The first sample, counted from the stream's start. On a discontinuity, where time goes on; at the end, the length.</summary>
    public long Start { get; private set; }

    /// <summary>Samples a second; <see cref="Start"/> counts these.</summary>
    public int SampleRate { get; private set; }

    /// <summary>When its last sample was there, by the clock's timestamps; the graph sets it where the source does not.</summary>
    public long Captured { get; set; }

    /// <summary>On a discontinuity, why time is missing.</summary>
    public LossReason Reason { get; set; }

    /// <summary>The samples.</summary>
    public Span<float> Samples => _values.AsSpan(0, _length);

    /// <summary>Takes a block of samples, which are undefined yet.</summary>
    /// <param name="stream">The stream that it belongs to.</param>
    /// <param name="start">The first sample.</param>
    /// <param name="sampleRate">Samples a second, 8,000 to 192,000.</param>
    /// <param name="length">How many samples there are.</param>
    public static AudioBlock Rent(StreamInfo stream, long start, int sampleRate, int length)
    {
        var block = Mark(stream, MessageKind.Data, start, sampleRate);
        block.Resize(length);
        return block;
    }

    /// <summary>Makes room for a number of samples; what is there up to the smaller length stays. Memory only grows.</summary>
    public Span<float> Resize(int length)
    {
        if (_values.Length < length)
            Array.Resize(ref _values, length);
        _length = length;
        return Samples;
    }

    internal static AudioBlock Mark(StreamInfo stream, MessageKind kind, long start, int sampleRate, LossReason reason = LossReason.Gap)
    {
        var block = RentAny();
        block.Stream = stream;
        block.Kind = kind;
        block.Start = start;
        block.SampleRate = sampleRate;
        block.Reason = reason;
        block.Captured = 0;
        block._length = 0;
        return block;
    }

    /// <inheritdoc/>
    protected override void Clear() => Stream = null!;
}
