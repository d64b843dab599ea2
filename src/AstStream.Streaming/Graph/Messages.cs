using System.Collections.Concurrent;
using System.Diagnostics;
using System.Numerics;
using System.Runtime.CompilerServices;

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
    private static readonly ConcurrentDictionary<string, StrongBox<long>> s_out = new(StringComparer.Ordinal);

    /// <summary>Objects that are out now, over all pools of the process.</summary>
    public static long Outstanding => s_out.Values.Sum(c => Interlocked.Read(ref c.Value));

    /// <summary>The same by type, in words.</summary>
    public static string Summary => string.Join(", ", s_out.OrderBy(c => c.Key, StringComparer.Ordinal).Select(c => $"{c.Key} {c.Value.Value}"));

    internal static StrongBox<long> Of(string type) => s_out.GetOrAdd(type, _ => new StrongBox<long>());
}

/// <summary>An object that is pooled. Whoever holds it owns it and passes it on or returns it, once.</summary>
public abstract class Pooled
{
    /// <summary>Gives the object back; the holder must not touch it afterwards.</summary>
    public abstract void Return();
}

/// <summary>The pool of one type of objects, which may be of several sizes.</summary>
public abstract class Pooled<T> : Pooled
    where T : Pooled<T>, new()
{
    private const int Sizes = 32;

    private static readonly Free[] s_free = [.. Enumerable.Range(0, Sizes).Select(_ => new Free())];
    private static readonly StrongBox<long> s_out = PoolCounters.Of(typeof(T).Name);
    private bool _isOut;
    private int _size;
    private T? _below; // in the pool

    /// <summary>Takes one of a size, 0 to 31, from the pool, or makes one: small ones must not grow large because large ones are needed somewhere.</summary>
    protected static T RentAny(int size = 0)
    {
        var item = s_free[size].Pop() ?? new T { _size = size };
        Debug.Assert(!item._isOut, "an object in the pool is in use");
        item._isOut = true;
        Interlocked.Increment(ref s_out.Value);
        return item;
    }

    /// <inheritdoc/>
    public sealed override void Return()
    {
        Debug.Assert(_isOut, "an object is given back twice");
        Clear();
        _isOut = false;
        Interlocked.Decrement(ref s_out.Value);
        s_free[_size].Push((T)this);
    }

    /// <summary>Lets go of what it refers to, before it lies in the pool.</summary>
    protected abstract void Clear();

    /// <summary>Those that nobody uses: the last one that came back goes first, as its memory is the likeliest to be in a cache still.</summary>
    private sealed class Free
    {
        private readonly Lock _lock = new();
        private T? _top;

        public T? Pop()
        {
            lock (_lock)
            {
                var item = _top;
                if (item is not null)
                    (_top, item._below) = (item._below, null);
                return item;
            }
        }

        public void Push(T item)
        {
            lock (_lock)
                (item._below, _top) = (_top, item);
        }
    }
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
    /// <param name="length">How many samples there are, 0 to 2³⁰.</param>
    public static AudioBlock Rent(StreamInfo stream, long start, int sampleRate, int length)
    {
        var block = Mark(stream, MessageKind.Data, start, sampleRate, LossReason.None, BitOperations.Log2((uint)length) + 1);
        block.Resize(length);
        return block;
    }

    /// <summary>Takes a block before it is known where it belongs: <see cref="Place"/> says it.</summary>
    public static AudioBlock Rent(int sampleRate, int length) => Rent(null!, 0, sampleRate, length);

    /// <summary>Says where the block belongs.</summary>
    public void Place(StreamInfo stream, long start) => (Stream, Start) = (stream, start);

    /// <summary>Makes room for a number of samples; what is there up to the smaller length stays. Memory only grows.</summary>
    public Span<float> Resize(int length)
    {
        if (_values.Length < length)
            Array.Resize(ref _values, (int)Math.Max(256, BitOperations.RoundUpToPowerOf2((uint)length)));
        _length = length;
        return Samples;
    }

    internal static AudioBlock Mark(StreamInfo stream, MessageKind kind, long start, int sampleRate, LossReason reason = LossReason.Gap, int size = 0)
    {
        var block = RentAny(size);
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
