namespace AstStream.Events.Decoding;

/// <summary>
/// Turns one stream's scores into events: median over windows, threshold with hysteresis, minimum duration, gap merge,
/// maximum duration. Scores come as consecutive intervals of time that join without a hole; their lengths may differ, so a
/// changed hop changes neither onsets nor durations. An event begins and ends with the intervals that have it, or, with
/// <see cref="EventTiming.Contains"/>, where the windows' overlap says.
/// </summary>
public sealed class EventDecoder : IEventDecoder
{
    private const int EdgePart = 5; // a window that has just enough of a sound to say so has a fifth of its length of it

    private readonly MedianFilter _filter;
    private readonly EventTrack[] _tracks; // by class
    private readonly float[] _medians; // of the interval that is decoded
    private readonly ClassChoice _choice;
    private EventOptions _options;
    private float[] _on;
    private float[] _off;

    /// <summary>Makes a decoder.</summary>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public EventDecoder(EventOptions options)
    {
        _filter = new MedianFilter(options.Thresholds.Count);
        _tracks = new EventTrack[options.Thresholds.Count];
        _medians = new float[options.Thresholds.Count];
        _choice = new ClassChoice(options.Thresholds.Count);
        Take(options);
    }

    /// <inheritdoc/>
    public EventOptions Options => _options;

    /// <inheritdoc/>
    public void Reconfigure(EventOptions options)
    {
        if (options.Thresholds.Count != _on.Length)
            throw new ArgumentException($"{options.Thresholds.Count} classes; expected {_on.Length}", nameof(options));
        Take(options);
    }

    /// <summary>Takes the scores of one interval and emits what they decide.</summary>
    /// <param name="start">First sample of the interval: the last one's end, unless it is the first after a break.</param>
    /// <param name="end">The sample after its last one.</param>
    /// <param name="scores">One score a class.</param>
    /// <param name="emit">Receives events in the order in which they are decided.</param>
    /// <param name="origin">Where in its input the interval was heard; events carry that of their sound.</param>
    /// <exception cref="ArgumentException">The interval is empty, does not join the last one, or has another number of classes.</exception>
    public void Push(long start, long end, ReadOnlySpan<float> scores, Action<DetectedEvent> emit, InputRange origin = default) =>
        Push(new WindowTime(start, end, start, end) { Origin = origin }, scores, emit);

    /// <inheritdoc/>
    public void Push(in WindowTime window, ReadOnlySpan<float> scores, Action<DetectedEvent> emit)
    {
        var (start, end) = (window.CellStart, window.CellEnd);
        if (scores.Length != _on.Length)
            throw new ArgumentException($"{scores.Length} scores; expected {_on.Length}", nameof(scores));
        if (end <= start)
            throw new ArgumentException($"an interval from {start} to {end}", nameof(window));
        if (_filter.End is { } last && last != start)
            throw new ArgumentException($"an interval that begins at {start}; the last one ended at {last}", nameof(window));
        var edge = (window.End - window.Start) / EdgePart;
        var sounds = _options.Timing == EventTiming.Window ? (start, end)
            : (_filter.End is null ? start : Math.Max(start, window.End - edge), Math.Min(end, window.Start + edge));
        _filter.Push(start, end, scores, window.Origin, sounds);
        while (_filter.MoveNext(end))
            Decode(emit);
    }

    /// <summary>Parts of activities say nothing here: windows alone decide.</summary>
    void IEventDecoder.Push(
        in ActivityPart part, ReadOnlySpan<float> scores, Action<DetectedEvent> emit, InputRange origin, ReadOnlySpan<LabelExtent> extents)
    {
    }

    /// <inheritdoc/>
    public void Flush(long end, Action<DetectedEvent> emit)
    {
        _filter.Extend(end);
        while (_filter.MoveNext(double.PositiveInfinity))
            Decode(emit);
        for (var label = 0; label < _tracks.Length; label++)
        {
            ref var track = ref _tracks[label];
            if (track.IsActive && track.IsSounding)
                track.Offset = Math.Max(track.Offset, track.CellEnd); // it sounds to the very end
            if (track.IsActive)
                Close(label, emit);
        }

        _filter.Clear();
    }

    /// <summary>Windows' cells join where the other decoder's ended: nothing is reported twice.</summary>
    void IEventDecoder.Follow(int label, long offset)
    {
    }

    /// <inheritdoc/>
    public void Unclosed(Action<DetectedEvent> emit) => EventTrack.Unclosed(_tracks, emit);

    /// <inheritdoc/>
    public void Save(BinaryWriter state)
    {
        _filter.Save(state);
        state.Write(_tracks.Count(t => t.IsActive));
        for (var label = 0; label < _tracks.Length; label++)
        {
            ref var track = ref _tracks[label];
            if (!track.IsActive)
                continue;
            state.Write(label);
            track.Save(state);
        }
    }

    /// <inheritdoc/>
    public void Restore(BinaryReader state)
    {
        _filter.Restore(state);
        var active = state.ReadInt32();
        for (; active > 0; active--)
        {
            var label = state.ReadInt32();
            if (label < 0 || label >= _tracks.Length)
                throw new InvalidDataException($"the state has an event of class {label}");
            _tracks[label] = EventTrack.Restore(state);
        }
    }

    /// <summary>
    /// The least duration. Where windows overlap, a sound that is shorter than their overlap has an onset after its offset: it is as short
    /// as can be, and an event nevertheless.
    /// </summary>
    private long MinDuration => _options.MinDuration == 0 ? long.MinValue : _options.MinDuration;

    [System.Diagnostics.CodeAnalysis.MemberNotNull(nameof(_options), nameof(_on), nameof(_off))]
    private void Take(EventOptions options)
    {
        options.Validate();
        _options = options;
        _on = [.. options.Thresholds];
        _off = [.. options.ReleaseThresholds];
        _filter.Configure(options);
    }

    /// <summary>Decodes the filter's current interval.</summary>
    private void Decode(Action<DetectedEvent> emit)
    {
        var scores = _filter.IsPlain ? _filter.Current.Scores : Medians();
        _choice.Clear();
        for (var label = 0; label < scores.Length; label++)
        {
            if (scores[label] >= _off[label] && scores[label] >= Needed(label))
                _choice.Add(label, scores[label], _tracks[label].IsActive, _options);
        }

        _choice.Decide(scores, _options);
        for (var label = 0; label < scores.Length; label++)
        {
            if (scores[label] >= _off[label] || _tracks[label].IsActive)
                Step(label, _filter.Current, _choice.IsCovered(label) ? float.NegativeInfinity : scores[label], emit);
        }
    }

    private float[] Medians()
    {
        for (var label = 0; label < _medians.Length; label++)
            _medians[label] = _filter.Median(label);
        return _medians;
    }

    private float Needed(int label) => _tracks[label] is { IsActive: true, IsSounding: true } ? _off[label] : _on[label];

    private void Step(int label, MedianFilter.Interval interval, float score, Action<DetectedEvent> emit)
    {
        var (start, end) = (interval.Start, interval.End);
        var (onset, offset) = interval.Sounds;
        ref var track = ref _tracks[label];
        if (!(score >= Needed(label)))
        {
            // A gap of exactly the merge gap may still be bridged by the interval that follows.
            track.IsSounding = false;
            if (track.IsActive && (end - track.CellEnd > _options.MergeGap || _options.MergeGap == 0 || track.Time == 0))
                Close(label, emit);
            return;
        }

        // Bridging a gap must not make an event longer than it may be.
        if (track.IsActive && !track.IsSounding && offset - track.Onset > _options.MaxDuration)
            Close(label, emit);
        if (!track.IsActive)
            track = new EventTrack { IsActive = true, Onset = onset, Origin = interval.Origin };
        track.IsSounding = true;
        track.CellEnd = end;
        track.Add(score, end - start, offset, interval.Origin);
        var duration = offset - track.Onset;
        if (!track.IsAnnounced && duration >= MinDuration)
        {
            track.IsAnnounced = true;
            emit(track.ToEvent(EventState.Opened, label));
        }

        if (duration >= _options.MaxDuration)
        {
            // What goes on is another event; it needs only the release threshold, as it has not been quiet.
            Close(label, emit);
            track = new EventTrack { IsActive = true, IsSounding = true, Onset = offset, Offset = offset, CellEnd = end };
            track.Origin = interval.Origin;
        }
    }

    private void Close(int label, Action<DetectedEvent> emit)
    {
        var track = _tracks[label];
        _tracks[label] = default;
        if (track.Time == 0 || (!track.IsAnnounced && track.Offset - track.Onset < MinDuration))
            return;

        // The minimum may have changed meanwhile: what was opened is closed, and what is closed was opened.
        if (!track.IsAnnounced)
            emit(track.ToEvent(EventState.Opened, label));
        emit(track.ToEvent(EventState.Closed, label));
    }
}
