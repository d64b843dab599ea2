namespace AstStream.Events;

/// <summary>
/// Turns one stream's scores into events: median over windows, threshold with hysteresis, minimum duration, gap merge,
/// maximum duration. Scores come as consecutive intervals of time that join without a hole; their lengths may differ, so a
/// changed hop changes neither onsets nor durations. The same scores always give the same events. For one thread at a time.
/// </summary>
public sealed class EventDecoder
{
    private readonly EventOptions _options;
    private readonly float[] _on;
    private readonly float[] _off;
    private readonly Track[] _tracks; // by class
    private readonly int _half; // windows on each side of the median filter's centre
    private readonly Interval[] _history; // a ring of the last MedianWindows intervals
    private readonly float[] _sorted;
    private long _pushed; // intervals since the last break
    private long _decoded; // of these, smoothed and decoded

    /// <summary>Makes a decoder.</summary>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public EventDecoder(EventOptions options)
    {
        options.Validate();
        _options = options;
        _on = [.. options.Thresholds];
        _off = [.. options.ReleaseThresholds];
        _tracks = new Track[_on.Length];
        _half = options.MedianWindows / 2;
        _sorted = new float[options.MedianWindows];
        _history = [.. Enumerable.Range(0, options.MedianWindows).Select(_ => new Interval(_on.Length))];
    }

    /// <summary>Takes the scores of one interval and emits what they decide.</summary>
    /// <param name="start">First sample of the interval: the last one's end, unless it is the first after a break.</param>
    /// <param name="end">The sample behind its last one.</param>
    /// <param name="scores">One score a class.</param>
    /// <param name="emit">Receives events in the order in which they are decided.</param>
    /// <exception cref="ArgumentException">The interval is empty, does not join the last one, or has another number of classes.</exception>
    public void Push(long start, long end, ReadOnlySpan<float> scores, Action<DetectedEvent> emit)
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
        scores.CopyTo(slot.Scores);
        _pushed++;
        if (_pushed - _decoded > _half)
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

        _pushed = _decoded = 0;
    }

    private Interval At(long index) => _history[index % _history.Length];

    /// <summary>Smooths and decodes one interval; those that the filter looks at are in the ring.</summary>
    private void Decode(long index, Action<DetectedEvent> emit)
    {
        var centre = At(index);
        for (var label = 0; label < _tracks.Length; label++)
        {
            var score = _half == 0 ? centre.Scores[label] : Median(index, label);
            if (score >= _off[label] || _tracks[label].IsActive)
                Step(label, centre.Start, centre.End, score, emit);
        }
    }

    private float Median(long index, int label)
    {
        for (var i = -_half; i <= _half; i++)
            _sorted[i + _half] = At(Math.Clamp(index + i, 0, _pushed - 1)).Scores[label];
        Array.Sort(_sorted);
        return _sorted[_half];
    }

    private void Step(int label, long start, long end, float score, Action<DetectedEvent> emit)
    {
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
            track = new Track { IsActive = true, Onset = start };
        track.IsSounding = true;
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
            track = new Track { IsActive = true, IsSounding = true, Onset = end, Offset = end };
        }
    }

    private void Close(int label, Action<DetectedEvent> emit)
    {
        var track = _tracks[label];
        _tracks[label] = default;
        if (track.Time > 0 && track.Offset - track.Onset >= _options.MinDuration)
            emit(track.ToEvent(EventState.Closed, label));
    }

    private sealed class Interval(int labels)
    {
        public long Start { get; set; }

        public long End { get; set; }

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

        public readonly DetectedEvent ToEvent(EventState state, int label) =>
            new(state, label, Onset, Offset, Peak, (float)(ScoreTime / Time));
    }
}
