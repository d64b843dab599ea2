using System.Runtime.InteropServices;

namespace AstStream.Events.Decoding;

/// <summary>
/// Turns one stream's scores into events: median over windows, threshold with hysteresis, minimum duration, gap merge,
/// maximum duration. Scores come as consecutive intervals of time that join without a hole; their lengths may differ, so a
/// changed hop changes neither onsets nor durations. The same scores always give the same events. For one thread at a time.
/// </summary>
public sealed class EventDecoder
{
    private const int MaxIntervals = 1024; // in a state; a filter is at most 99 wide

    private readonly Track[] _tracks; // by class
    private EventOptions _options;
    private float[] _on;
    private float[] _off;
    private int _half; // windows on each side of the median filter's centre
    private Interval[] _history; // a ring of the last intervals, as many as the widest filter so far looks at
    private (Interval Interval, double Weight)[] _weighed; // those that the median of the interval at hand looks at
    private int _numWeighed;
    private double _totalWeight;
    private (float Score, double Weight)[] _sorted;
    private long _pushed; // intervals since the last break
    private long _decoded; // of these, smoothed and decoded
    private long _oldest; // the first interval that the filter may look at

    /// <summary>Makes a decoder.</summary>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public EventDecoder(EventOptions options)
    {
        Take(options);
        _tracks = new Track[_on.Length];
        _history = NewHistory(options.MedianWindows);
    }

    /// <summary>The options that it decodes by.</summary>
    public EventOptions Options => _options;

    /// <summary>
    /// Decodes by other options from the next interval on; events that are open stay open until the new thresholds end them.
    /// </summary>
    /// <exception cref="ArgumentException">An option is out of range, or there are other classes.</exception>
    public void Reconfigure(EventOptions options)
    {
        if (options.Thresholds.Count != _on.Length)
            throw new ArgumentException($"{options.Thresholds.Count} classes; expected {_on.Length}", nameof(options));
        var history = _history;
        Take(options);
        if (history.Length >= options.MedianWindows)
            return;

        // A wider filter has a longer memory, which begins with what the narrower one remembers.
        _history = NewHistory(options.MedianWindows);
        _oldest = Math.Max(_oldest, _pushed - history.Length);
        for (var index = Math.Max(0, _oldest); index < _pushed; index++)
            _history[index % _history.Length] = history[index % history.Length];
    }

    /// <summary>Takes the scores of one interval and emits what they decide.</summary>
    /// <param name="start">First sample of the interval: the last one's end, unless it is the first after a break.</param>
    /// <param name="end">The sample after its last one.</param>
    /// <param name="scores">One score a class.</param>
    /// <param name="emit">Receives events in the order in which they are decided.</param>
    /// <param name="origin">Where in its input the interval was heard; events carry that of their sound.</param>
    /// <exception cref="ArgumentException">The interval is empty, does not join the last one, or has another number of classes.</exception>
    public void Push(long start, long end, ReadOnlySpan<float> scores, Action<DetectedEvent> emit, InputRange origin = default)
    {
        if (scores.Length != _on.Length)
            throw new ArgumentException($"{scores.Length} scores; expected {_on.Length}", nameof(scores));
        if (end <= start)
            throw new ArgumentException($"an interval from {start} to {end}", nameof(end));
        if (_pushed > 0 && At(_pushed - 1).End != start)
            throw new ArgumentException($"an interval that begins at {start}; the last one ended at {At(_pushed - 1).End}", nameof(start));
        var slot = At(_pushed);
        slot.Start = start;
        slot.End = end;
        slot.Origin = origin;
        scores.CopyTo(slot.Scores);
        _pushed++;
        while (_pushed - _decoded > _half || (_decoded < _pushed && end >= FilterEnd(_decoded)))
            Decode(_decoded++, emit);
    }

    /// <summary>
    /// The stream ends or breaks here: decides everything that waits. The last interval is taken to last until
    /// <paramref name="end"/>, if that is later than its own end. The next push begins anew.
    /// </summary>
    public void Flush(long end, Action<DetectedEvent> emit)
    {
        if (_pushed > 0 && end > At(_pushed - 1).End)
        {
            var last = At(_pushed - 1);
            if (_decoded < _pushed)
            {
                last.End = end;
            }
            else
            {
                // Decoded already: what is left is one more interval of the same scores.
                last.Start = last.End;
                last.End = end;
                _decoded--;
            }
        }

        while (_decoded < _pushed)
            Decode(_decoded++, emit);
        for (var label = 0; label < _tracks.Length; label++)
        {
            if (_tracks[label].IsActive)
                Close(label, emit);
        }

        _pushed = _decoded = _oldest = 0;
    }

    /// <summary>Writes what it remembers, so that another decoder can go on from here.</summary>
    public void Save(BinaryWriter state)
    {
        // The intervals that the next ones' medians look at. Whether there were others before them tells their edge.
        var first = Math.Max(Math.Max(0, _oldest), _decoded - _half - 1);
        state.Write(_on.Length);
        state.Write((int)(_pushed - first));
        state.Write((int)(_decoded - first));
        state.Write(_oldest == first);
        for (var index = first; index < _pushed; index++)
        {
            var interval = At(index);
            state.Write(interval.Start);
            state.Write(interval.End);
            interval.Origin.Save(state);
            state.Write(MemoryMarshal.AsBytes(interval.Scores.AsSpan()));
        }

        state.Write(_tracks.Count(t => t.IsActive));
        for (var label = 0; label < _tracks.Length; label++)
        {
            ref var track = ref _tracks[label];
            if (!track.IsActive)
                continue;
            state.Write(label);
            state.Write(track.IsSounding);
            state.Write(track.IsAnnounced);
            state.Write(track.Onset);
            state.Write(track.Offset);
            state.Write(track.Peak);
            state.Write(track.ScoreTime);
            state.Write(track.Time);
            track.Origin.Save(state);
        }
    }

    /// <summary>
    /// Takes over what another decoder remembered; this one must be new. Its own options hold, whatever the other's were.
    /// </summary>
    /// <exception cref="InvalidDataException">That is no state of a decoder of so many classes.</exception>
    /// <exception cref="EndOfStreamException">It is cut short.</exception>
    public void Restore(BinaryReader state)
    {
        if (state.ReadInt32() != _on.Length)
            throw new InvalidDataException("the state is of another number of classes");
        var (intervals, decoded) = (state.ReadInt32(), state.ReadInt32());
        var isFirst = state.ReadBoolean();
        if (intervals is < 0 or > MaxIntervals || decoded < 0 || decoded > intervals)
            throw new InvalidDataException($"the state has {intervals} intervals, {decoded} decoded");
        (_pushed, _decoded) = (intervals, decoded);
        _oldest = isFirst || decoded < _half ? 0 : -1; // a wider filter begins with what the narrower one remembers
        if (_history.Length < intervals)
            _history = NewHistory(intervals);
        for (var index = 0; index < intervals; index++)
        {
            var slot = At(index);
            slot.Start = state.ReadInt64();
            slot.End = state.ReadInt64();
            slot.Origin = InputRange.Restore(state);
            state.BaseStream.ReadExactly(MemoryMarshal.AsBytes(slot.Scores.AsSpan()));
        }

        var active = state.ReadInt32();
        for (; active > 0; active--)
        {
            var label = state.ReadInt32();
            if (label < 0 || label >= _tracks.Length)
                throw new InvalidDataException($"the state has an event of class {label}");
            _tracks[label] = new Track
            {
                IsActive = true,
                IsSounding = state.ReadBoolean(),
                IsAnnounced = state.ReadBoolean(),
                Onset = state.ReadInt64(),
                Offset = state.ReadInt64(),
                Peak = state.ReadSingle(),
                ScoreTime = state.ReadDouble(),
                Time = state.ReadInt64(),
                Origin = InputRange.Restore(state),
            };
        }
    }

    [System.Diagnostics.CodeAnalysis.MemberNotNull(nameof(_options), nameof(_on), nameof(_off), nameof(_weighed), nameof(_sorted))]
    private void Take(EventOptions options)
    {
        options.Validate();
        _options = options;
        _on = [.. options.Thresholds];
        _off = [.. options.ReleaseThresholds];
        _half = options.MedianWindows / 2;
        _weighed = new (Interval, double)[options.MedianWindows];
        _sorted = new (float, double)[options.MedianWindows];
    }

    private Interval[] NewHistory(int intervals) => [.. Enumerable.Range(0, intervals).Select(_ => new Interval(_on.Length))];

    private Interval At(long index) => _history[index % _history.Length];

    /// <summary>Smooths and decodes one interval; those that the filter looks at are in the ring.</summary>
    private void Decode(long index, Action<DetectedEvent> emit)
    {
        var centre = At(index);
        if (_half > 0)
            Weigh(index);
        for (var label = 0; label < _tracks.Length; label++)
        {
            var score = _half == 0 ? centre.Scores[label] : Median(label);
            if (score >= _off[label] || _tracks[label].IsActive)
                Step(label, centre, score, emit);
        }
    }

    /// <summary>Where the filter around an interval ends.</summary>
    private double FilterEnd(long index) =>
        _options.HopLength > 0 ? Centre(index) + (_options.MedianWindows * _options.HopLength / 2.0) : double.PositiveInfinity;

    private double Centre(long index) => (At(index).Start + At(index).End) / 2.0;

    /// <summary>
    /// Weighs the intervals that the median around one looks at: by their part of the time of MedianWindows hops around its centre. With
    /// equal hops that is the plain median; with stretched ones fewer intervals count. What lies beyond the ends is taken to be as the
    /// first or last interval. The weights are the same for all labels.
    /// </summary>
    private void Weigh(long index)
    {
        var reach = _options.HopLength > 0 ? _options.MedianWindows * _options.HopLength / 2.0 : 0;
        var (from, to) = (Centre(index) - reach, Centre(index) + reach);
        var (first, last) = (Math.Max(_oldest, index - _half), Math.Min(_pushed - 1, index + _half));
        (_numWeighed, _totalWeight) = (0, 0);
        for (var i = first; i <= last; i++)
        {
            var interval = At(i);
            var start = i == _oldest ? double.NegativeInfinity : interval.Start;
            var end = i == _pushed - 1 ? double.PositiveInfinity : interval.End;
            var weight = reach == 0 ? 1 + (i == first ? first - (index - _half) : 0) + (i == last ? index + _half - last : 0)
                : Math.Min(end, to) - Math.Max(start, from);
            if (!(weight > 0))
                continue;
            _totalWeight += weight;
            _weighed[_numWeighed++] = (interval, weight);
        }
    }

    /// <summary>The median of a label over the intervals that were weighed.</summary>
    private float Median(int label)
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

    private void Step(int label, Interval interval, float score, Action<DetectedEvent> emit)
    {
        var (start, end) = (interval.Start, interval.End);
        ref var track = ref _tracks[label];
        var needed = track.IsActive && track.IsSounding ? _off[label] : _on[label];
        if (!(score >= needed))
        {
            // A gap of exactly the merge gap may still be bridged by the interval that follows.
            track.IsSounding = false;
            if (track.IsActive && (end - track.Offset > _options.MergeGap || _options.MergeGap == 0 || track.Time == 0))
                Close(label, emit);
            return;
        }

        // Bridging a gap must not make an event longer than it may be.
        if (track.IsActive && !track.IsSounding && end - track.Onset > _options.MaxDuration)
            Close(label, emit);
        if (!track.IsActive)
            track = new Track { IsActive = true, Onset = start, Origin = interval.Origin };
        track.IsSounding = true;
        track.Origin = track.Origin with { Last = Math.Max(track.Origin.Last, interval.Origin.Last) };
        track.Offset = end;
        track.Peak = Math.Max(track.Peak, score);
        track.ScoreTime += score * (double)(end - start);
        track.Time += end - start;
        var duration = end - track.Onset;
        if (!track.IsAnnounced && duration >= _options.MinDuration)
        {
            track.IsAnnounced = true;
            emit(track.ToEvent(EventState.Opened, label));
        }

        if (duration >= _options.MaxDuration)
        {
            // What goes on is another event; it needs only the release threshold, as it has not been quiet.
            Close(label, emit);
            track = new Track { IsActive = true, IsSounding = true, Onset = end, Offset = end, Origin = interval.Origin };
        }
    }

    private void Close(int label, Action<DetectedEvent> emit)
    {
        var track = _tracks[label];
        _tracks[label] = default;
        if (track.Time == 0 || (!track.IsAnnounced && track.Offset - track.Onset < _options.MinDuration))
            return;

        // The minimum may have changed meanwhile: what was opened is closed, and what is closed was opened.
        if (!track.IsAnnounced)
            emit(track.ToEvent(EventState.Opened, label));
        emit(track.ToEvent(EventState.Closed, label));
    }

    private sealed class Interval(int labels)
    {
        public long Start { get; set; }

        public long End { get; set; }

        public InputRange Origin { get; set; }

        public float[] Scores { get; } = new float[labels];
    }

    /// <summary>The event of one class that is under way.</summary>
    private struct Track
    {
        public bool IsActive;
        public bool IsSounding; // false: in a gap that may yet be merged
        public bool IsAnnounced;
        public long Onset;
        public long Offset;
        public float Peak;
        public double ScoreTime; // sum of score times samples
        public long Time; // samples that sounded
        public InputRange Origin; // of all intervals that sounded

        public readonly DetectedEvent ToEvent(EventState state, int label) =>
            new(state, label, Onset, Offset, Peak, (float)(ScoreTime / Time)) { Origin = Origin };
    }
}
