using System.Numerics;
using AstStream.Events.Unusual;
using AstStream.Station.Store;

namespace AstStream.Station.Find;

/// <summary>
/// The embeddings of one model's events in memory, to be compared with one by cosine: eight bits a value, a scale a row. When it has as
/// many as it may, the oldest go. Searches may run beside each other, and not beside what changes it.
/// </summary>
/// <param name="dimensions">Values of an embedding.</param>
/// <param name="mostBytes">About the most memory that it takes.</param>
internal sealed class EmbeddingIndex(int dimensions, long mostBytes)
{
    private const int RowsOfBlock = 8192;
    private const int Alignment = 64; // values: a whole number of vectors of any machine

    private readonly int _stride = (dimensions + Alignment - 1) / Alignment * Alignment;
    private readonly Queue<Block> _blocks = [];
    private Block? _newest;

    /// <summary>Values of an embedding.</summary>
    public int Dimensions => dimensions;

    /// <summary>How many there are.</summary>
    public int Count => _blocks.Sum(b => b.Count);

    /// <summary>The row of the latest one in the store; 0 where there are none.</summary>
    public long Latest { get; private set; }

    /// <summary>The most that it holds.</summary>
    public int Capacity => (int)Math.Max(1, mostBytes / ((_stride + sizeof(long) + sizeof(float)) * RowsOfBlock)) * RowsOfBlock;

    /// <summary>Adds one that came after all others. One that has no direction, or another length, is like nothing.</summary>
    public void Add(in StoredEmbedding added)
    {
        Latest = added.Number;
        var length = (float)Vectors.Length(added.Vector);
        if (added.Vector.Length != dimensions || !(length > 0) || !float.IsFinite(length))
            return;
        if (_newest is null || _newest.Count == RowsOfBlock)
        {
            if (_blocks.Count * RowsOfBlock >= Capacity)
                _blocks.Dequeue();
            _blocks.Enqueue(_newest = new Block(_stride));
        }

        _newest.Add(added, length, _stride);
    }

    /// <summary>The events that are nearest, the nearest first, with their cosines, which are off by at most a hundredth.</summary>
    /// <param name="vector">What to compare with.</param>
    /// <param name="most">The most events.</param>
    /// <param name="cancellation">Gives up.</param>
    public IReadOnlyList<(long Event, float Cosine)> Nearest(ReadOnlySpan<float> vector, int most, CancellationToken cancellation)
    {
        var query = new short[_stride];
        var scale = Quantise<short>(vector, (float)Vectors.Length(vector), query);
        var found = new PriorityQueue<(long Event, float Cosine), float>();
        Parallel.ForEach(
            _blocks, new ParallelOptions { CancellationToken = cancellation },
            () => new PriorityQueue<(long Event, float Cosine), float>(),
            (block, _, nearest) =>
            {
                block.Search(query, scale, _stride, nearest, most);
                return nearest;
            },
            nearest =>
            {
                lock (found)
                {
                    foreach (var (one, cosine) in nearest.UnorderedItems)
                        Keep(found, one, cosine, most);
                }
            });
        return [.. found.UnorderedItems.Select(i => i.Element).OrderByDescending(e => e.Cosine).ThenByDescending(e => e.Event)];
    }

    /// <summary>The cosine of two vectors of one length, exact; 0 where one has no direction.</summary>
    public static double Cosine(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double product = 0, first = 0, second = 0;
        for (var i = 0; i < a.Length; i++)
        {
            product += (double)a[i] * b[i];
            first += (double)a[i] * a[i];
            second += (double)b[i] * b[i];
        }

        return first > 0 && second > 0 ? product / Math.Sqrt(first * second) : 0;
    }

    private static void Keep(
        PriorityQueue<(long Event, float Cosine), float> nearest, (long Event, float Cosine) one, float cosine, int most)
    {
        if (nearest.Count < most)
            nearest.Enqueue(one, cosine);
        else if (nearest.TryPeek(out _, out var least) && cosine > least)
            nearest.EnqueueDequeue(one, cosine);
    }

    /// <summary>Values of a vector of length 1 as whole numbers up to 127, and what one of them is worth.</summary>
    private static float Quantise<T>(ReadOnlySpan<float> vector, float length, Span<T> whole)
        where T : INumber<T>
    {
        var largest = 0f;
        foreach (var value in vector)
            largest = Math.Max(largest, Math.Abs(value));
        for (var i = 0; i < vector.Length; i++)
            whole[i] = T.CreateTruncating(MathF.Round(vector[i] / largest * sbyte.MaxValue));
        return largest / length / sbyte.MaxValue;
    }

    /// <summary>Some rows.</summary>
    private sealed class Block(int stride)
    {
        private readonly sbyte[] _values = new sbyte[RowsOfBlock * stride];
        private readonly float[] _scales = new float[RowsOfBlock];
        private readonly long[] _events = new long[RowsOfBlock];

        public int Count { get; private set; }

        public void Add(in StoredEmbedding added, float length, int stride)
        {
            _scales[Count] = Quantise(added.Vector, length, _values.AsSpan(Count * stride, stride));
            _events[Count++] = added.Event;
        }

        public void Search(
            short[] query, float scale, int stride, PriorityQueue<(long Event, float Cosine), float> nearest, int most)
        {
            for (var row = 0; row < Count; row++)
            {
                var cosine = Product(_values.AsSpan(row * stride, stride), query) * _scales[row] * scale;
                if (nearest.Count < most || (nearest.TryPeek(out _, out var least) && cosine > least))
                    Keep(nearest, (_events[row], cosine), cosine, most);
            }
        }

        /// <summary>The sum of products; two of them, each at most 127 · 127, fit into 16 bits.</summary>
        private static int Product(ReadOnlySpan<sbyte> row, ReadOnlySpan<short> query)
        {
            var sum = Vector<int>.Zero;
            for (var i = 0; i < row.Length; i += Vector<sbyte>.Count)
            {
                Vector.Widen(new Vector<sbyte>(row[i..]), out var first, out var second);
                var products = (first * new Vector<short>(query[i..])) + (second * new Vector<short>(query[(i + Vector<short>.Count)..]));
                Vector.Widen(products, out var low, out var high);
                sum += low + high;
            }

            return Vector.Sum(sum);
        }
    }
}
