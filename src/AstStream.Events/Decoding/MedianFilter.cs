using System.Runtime.InteropServices;

namespace AstStream.Events.Decoding;

/// <summary>
/// Smooths one stream's scores: the median over the time of so many hops around each interval. It remembers the last intervals, and gives
/// one when all that its median looks at is there.
/// </summary>
/// <param name="labels">The number of classes.</param>
internal sealed class MedianFilter(int labels)
{
    private const int MaxIntervals = 1024; // in a state; a filter is at most 99 wide

    private readonly int _labels = labels;
    private Interval[] _history = []; // a ring of the last intervals, as many as the widest filter so far looks at
    private int _half; // windows on each side of the centre
    private double _reach; // samples on each side of it; 0: windows are counted, however long they are
    private (Interval Interval, double Weight)[] _weighed = []; // those that the median of the current interval looks at
    private int _numWeighed;
    private double _totalWeight;
    private (float Score, double Weight)[] _sorted = [];
    private long _pushed; // intervals since the last break
    private long _taken; // of these
    private long _oldest; // the first interval that the filter may look at

    /// <summary>The interval that was taken last.</summary>
    public Interval Current { get; private set; } = new(0);

    /// <summary>The end of the interval that was pushed last; null where none was since the last break.</summary>
    public long? End => _pushed > 0 ? At(_pushed - 1).End : null;

    /// <summary>Filters in another way from the next interval on.</summary>
    public void Configure(EventOptions options)
    {
        var windows = options.MedianWindows;
        _half = windows / 2;
        _reach = windows * options.HopLength / 2.0;
        _weighed = new (Interval, double)[windows];
        _sorted = new (float, double)[windows];
        var history = _history;
        if (history.Length >= windows)
            return;

        // A wider filter has a longer memory, which begins with what the narrower one remembers.
        _history = NewHistory(windows);
        _oldest = Math.Max(_oldest, _pushed - history.Length);
        for (var index = Math.Max(0, _oldest); index < _pushed; index++)
            _history[index % _history.Length] = history[index % history.Length];
    }

    /// <summary>Takes the scores of one interval.</summary>
    /// <param name="start">Its first sample.</param>
    /// <param name="end">The sample after its last one.</param>
    /// <param name="scores">One score a class.</param>
    /// <param name="origin">Where in its input it was heard.</param>
    /// <param name="sounds">When an event begins that begins with it, and when one ends that ends with it.</param>
    public void Push(
        long start, long end, ReadOnlySpan<float> scores, InputRange origin, (long Onset, long Offset) sounds)
    {
        var slot = At(_pushed++);
        (slot.Start, slot.End, slot.Origin, slot.Sounds) = (start, end, origin, sounds);
        scores.CopyTo(slot.Scores);
    }

    /// <summary>Makes the next interval the current one; false where its median can't be known yet.</summary>
    /// <param name="end">The end of what is known; infinite where nothing more comes.</param>
    public bool MoveNext(double end)
    {
        if (_taken == _pushed || (_pushed - _taken <= _half && end < FilterEnd(_taken)))
            return false;
        Current = At(_taken);
        if (_half > 0)
            Weigh(_taken);
        _taken++;
        return true;
    }

    /// <summary>Whether scores are taken as they are.</summary>
    public bool IsPlain => _half == 0;

    /// <summary>The last interval is taken to last until later.</summary>
    public void Extend(long end)
    {
        if (End is not { } known || end <= known)
            return;
        var last = At(_pushed - 1);
        var (onset, offset) = last.Sounds;
        var isOwnTime = (onset, offset) == (last.Start, last.End);
        if (_taken == _pushed)
        {
            // Taken already: what is left is one more interval of the same scores.
            last.Start = last.End;
            _taken--;
        }

        last.End = end;
        last.Sounds = isOwnTime ? (last.Start, last.End) : (onset, offset);
    }

    /// <summary>The stream ends or breaks here.</summary>
    public void Clear() => _pushed = _taken = _oldest = 0;

    /// <summary>Writes what it remembers.</summary>
    public void Save(BinaryWriter state)
    {
        // The intervals that the next ones' medians look at. Whether there were others before them tells their edge.
        var first = Math.Max(Math.Max(0, _oldest), _taken - _half - 1);
        state.Write(_labels);
        state.Write((int)(_pushed - first));
        state.Write((int)(_taken - first));
        state.Write(_oldest == first);
        for (var index = first; index < _pushed; index++)
        {
            var interval = At(index);
            state.Write(interval.Start);
            state.Write(interval.End);
            state.Write(interval.Sounds.Onset);
            state.Write(interval.Sounds.Offset);
            interval.Origin.Save(state);
            state.Write(MemoryMarshal.AsBytes(interval.Scores.AsSpan()));
        }
    }

    /// <summary>Takes over what another one remembered, whose filter may have been another one.</summary>
    /// <exception cref="InvalidDataException">That is no state for so many classes.</exception>
    /// <exception cref="EndOfStreamException">It is cut short.</exception>
    public void Restore(BinaryReader state)
    {
        if (state.ReadInt32() != _labels)
            throw new InvalidDataException("the state is of another number of classes");
        var (intervals, taken) = (state.ReadInt32(), state.ReadInt32());
        var isFirst = state.ReadBoolean();
        if (intervals is < 0 or > MaxIntervals || taken < 0 || taken > intervals)
            throw new InvalidDataException($"the state has {intervals} intervals, {taken} decoded");
        (_pushed, _taken) = (intervals, taken);
        _oldest = isFirst || taken < _half ? 0 : -1; // a wider filter begins with what the narrower one remembers
        if (_history.Length < intervals)
            _history = NewHistory(intervals);
        for (var index = 0; index < intervals; index++)
        {
            var slot = At(index);
            slot.Start = state.ReadInt64();
            slot.End = state.ReadInt64();
            slot.Sounds = (state.ReadInt64(), state.ReadInt64());
            slot.Origin = InputRange.Restore(state);
            state.BaseStream.ReadExactly(MemoryMarshal.AsBytes(slot.Scores.AsSpan()));
        }
    }

    private Interval[] NewHistory(int intervals) => [.. Enumerable.Range(0, intervals).Select(_ => new Interval(_labels))];

    private Interval At(long index) => _history[index % _history.Length];

    /// <summary>Where the filter around an interval ends.</summary>
    private double FilterEnd(long index) => _reach > 0 ? Centre(index) + _reach : double.PositiveInfinity;

    private double Centre(long index) => (At(index).Start + At(index).End) / 2.0;

    /// <summary>
    /// Weighs the intervals that the median around one looks at: by their part of the filter's time around its centre. With equal hops that
    /// is the plain median; with stretched ones fewer intervals count. What lies beyond the ends is taken to be as the first or last
    /// interval. The weights are the same for all labels.
    /// </summary>
    private void Weigh(long index)
    {
        var (from, to) = (Centre(index) - _reach, Centre(index) + _reach);
        var (first, last) = (Math.Max(_oldest, index - _half), Math.Min(_pushed - 1, index + _half));
        (_numWeighed, _totalWeight) = (0, 0);
        for (var i = first; i <= last; i++)
        {
            var interval = At(i);
            var start = i == _oldest ? double.NegativeInfinity : interval.Start;
            var end = i == _pushed - 1 ? double.PositiveInfinity : interval.End;
            var weight = _reach == 0 ? 1 + (i == first ? first - (index - _half) : 0) + (i == last ? index + _half - last : 0)
                : Math.Min(end, to) - Math.Max(start, from);
            if (!(weight > 0))
                continue;
            _totalWeight += weight;
            _weighed[_numWeighed++] = (interval, weight);
        }
    }

    /// <summary>The smoothed score of a class in the current interval: the median over the intervals that were weighed.</summary>
    public float Median(int label)
    {
        var (count, total) = (_numWeighed, _totalWeight);
        for (var i = 0; i < count; i++)
            _sorted[i] = (_weighed[i].Interval.Scores[label], _weighed[i].Weight);

        // Of a few neighbours: sorted as they are inserted.
        for (var i = 1; i < count; i++)
        {
            var item = _sorted[i];
            var at = i;
            for (; at > 0 && !(_sorted[at - 1].Score <= item.Score); at--)
                _sorted[at] = _sorted[at - 1];
            _sorted[at] = item;
        }

        var half = 0.0;
        for (var i = 0; i < count; i++)
        {
            half += _sorted[i].Weight;
            if (half * 2 > total)
                return _sorted[i].Score;
        }

        return _sorted[count - 1].Score;
    }

    /// <summary>The scores of an interval of time.</summary>
    internal sealed class Interval(int labels)
    {
        public long Start { get; set; }

        public long End { get; set; }

        /// <summary>When an event begins that begins with it, and when one ends that ends with it.</summary>
        public (long Onset, long Offset) Sounds { get; set; }

        public InputRange Origin { get; set; }

        public float[] Scores { get; } = new float[labels];
    }
}
