using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace AstStream.Streaming.Graph;

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

    /// <summary>
    /// Takes one of a size, 0 to 31, from the pool, or makes one: small ones must not grow large because large ones are needed somewhere.
    /// </summary>
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

    /// <summary>
    /// Those that nobody uses: the last one that came back goes first, as its memory is the likeliest to be in a cache still.
    /// </summary>
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
