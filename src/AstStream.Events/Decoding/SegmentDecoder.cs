namespace AstStream.Events.Decoding;

/// <summary>
/// Turns one stream's scores into events whose times are those of its activity: what rises above the noise floor says when, windows say
/// what; a label that sounds in a stretch of a part only has its event there. A part of an activity is named by its own score, when it is
/// scored alone, and by the mean of the windows' scores that have it, each weighted by the square of what it has of it; both together by
/// their geometric mean. Where a part is clear early, its event opens early. What sounds all the time does not rise above its floor:
/// labels that windows have for longer than one activity explains become events too, timed by the windows.
/// </summary>
public sealed class SegmentDecoder : IEventDecoder
{
    private const float SureScore = 0.95f; // enough for any label
    private const long NotedWithin = 12_800; // samples after which an activity is known of at the latest: 0.8 s

    private readonly EventDecoder _windows; // of what is steady
    private readonly float[] _sums; // the windows' scores of the part, weighted, by class
    private readonly float[] _alone; // the last scores of the part alone
    private readonly EventTrack[] _tracks; // by class
    private readonly SteadyState[] _steady; // by class
    private readonly float[] _scores; // of the part that is named
    private readonly ClassChoice _choice;
    private readonly List<DetectedEvent> _found = []; // of the windows
    private readonly Action<DetectedEvent> _find;
    private EventOptions _options;
    private double _weight; // of the sums
    private long _partStart;
    private bool _isActive; // a part is under way
    private bool _hasAlone;
    private long _window; // the length of the longest window so far
    private long _now; // what was heard up to here is decided, but for the part

    /// <summary>Makes a decoder.</summary>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public SegmentDecoder(EventOptions options)
    {
        options.Validate();
        var labels = options.Thresholds.Count;
        (_options, _sums, _alone, _scores) = (options, new float[labels], new float[labels], new float[labels]);
        (_tracks, _steady, _choice) = (new EventTrack[labels], new SteadyState[labels], new ClassChoice(labels));
        _windows = new EventDecoder(Steady(options));
        _find = _found.Add;
    }

    private enum SteadyState : byte
    {
        None,
        Open,

        /// <summary>An activity explains it.</summary>
        Explained,
    }

    /// <inheritdoc/>
    public EventOptions Options => _options;

    /// <inheritdoc/>
    public void Reconfigure(EventOptions options)
    {
        _windows.Reconfigure(Steady(options));
        _options = options;
    }

    /// <inheritdoc/>
    public void Push(in WindowTime window, ReadOnlySpan<float> scores, Action<DetectedEvent> emit)
    {
        var length = window.End - window.Start;
        if (length > _window && window.End > window.CellEnd)
        {
            _window = length;
            _windows.Reconfigure(Steady(_options));
        }

        _windows.Push(window, scores, _find);
        TakeSteady(emit);
        if (_isActive)
        {
            var has = (double)Math.Max(0, window.End - Math.Max(window.Start, _partStart));
            var weight = has * has;
            _weight += weight;
            for (var i = 0; i < scores.Length; i++)
                _sums[i] += (float)weight * scores[i];
        }

        _now = Math.Max(_now, window.End);
        CloseWhatIsOver(emit);
    }

    /// <inheritdoc/>
    public void Push(
        in ActivityPart part, ReadOnlySpan<float> scores, Action<DetectedEvent> emit, InputRange origin = default,
        ReadOnlySpan<LabelExtent> extents = default)
    {
        if (!_isActive || part.Start != _partStart)
            Begin(part.Start); // the end of the last one may be lost
        _hasAlone = !scores.IsEmpty;
        scores.CopyTo(_alone);
        _now = Math.Max(_now, part.End);
        if (part.Progress == ActivityProgress.Early)
        {
            NameEarly(part, extents, origin, emit);
            return;
        }

        Name(part, extents, origin, emit);
        if (part.Progress == ActivityProgress.Whole)
            Begin(part.End);
        else
            _isActive = false;
        CloseWhatIsOver(emit);
    }

    /// <inheritdoc/>
    public void Flush(long end, Action<DetectedEvent> emit)
    {
        _windows.Flush(end, _find);
        TakeSteady(emit);
        for (var label = 0; label < _tracks.Length; label++)
            Close(label, emit);
        (_isActive, _now) = (false, end);
    }

    /// <inheritdoc/>
    public void Follow(int label, long offset) => _tracks[label] = new EventTrack { Offset = offset };

    /// <inheritdoc/>
    public void Unclosed(Action<DetectedEvent> emit)
    {
        EventTrack.Unclosed(_tracks, emit);
        _windows.Unclosed(_find);
        _found.RemoveAll(e => _steady[e.Label] != SteadyState.Open);
        _found.ForEach(emit);
        _found.Clear();
    }

    /// <inheritdoc/>
    public void Save(BinaryWriter state)
    {
        _windows.Save(state);
        state.Write(_window);
        state.Write(_now);
        state.Write(_isActive);
        state.Write(_partStart);
        state.Write(_isActive ? _weight : 0);
        if (_isActive && _weight > 0)
        {
            foreach (var sum in _sums)
                state.Write(sum);
        }

        for (var label = 0; label < _tracks.Length; label++)
        {
            var (track, steady) = (_tracks[label], _steady[label]);
            if (!track.IsActive && track.Offset == 0 && steady == SteadyState.None)
                continue;
            state.Write(label);
            state.Write((byte)steady);
            track.Save(state);
        }

        state.Write(-1);
    }

    /// <inheritdoc/>
    public void Restore(BinaryReader state)
    {
        _windows.Restore(state);
        (_window, _now) = (state.ReadInt64(), state.ReadInt64());
        _windows.Reconfigure(Steady(_options));
        (_isActive, _partStart, _weight) = (state.ReadBoolean(), state.ReadInt64(), state.ReadDouble());
        for (var i = 0; _isActive && _weight > 0 && i < _sums.Length; i++)
            _sums[i] = state.ReadSingle();
        for (int label; (label = state.ReadInt32()) >= 0;)
        {
            if (label >= _tracks.Length)
                throw new InvalidDataException($"the state has an event of class {label}");
            (_steady[label], _tracks[label]) = ((SteadyState)state.ReadByte(), EventTrack.Restore(state));
        }
    }

    /// <summary>What is steady lasts longer than a window, or from end to end of what was heard.</summary>
    private EventOptions Steady(EventOptions options) => options with
    {
        Timing = EventTiming.Contains,
        MinDuration = Math.Min(options.MaxDuration, Math.Max(options.MinDuration, _window)),
    };

    private void Begin(long start)
    {
        (_isActive, _partStart, _weight) = (true, start, 0);
        _sums.AsSpan().Clear();
    }

    /// <summary>The event of the label that is clear already, where no label has an event of the part yet.</summary>
    private void NameEarly(
        in ActivityPart part, ReadOnlySpan<LabelExtent> extents, InputRange origin, Action<DetectedEvent> emit)
    {
        _choice.Clear();
        for (var label = 0; _hasAlone && label < _tracks.Length; label++)
        {
            if (_tracks[label].IsActive && _tracks[label].Offset > part.Start)
                return;
            if (IsClear(label))
                _choice.Add(label, _alone[label], _tracks[label].IsActive, _options);
        }

        _choice.Decide(_alone, _options);
        var (best, surest) = (-1, 0f);
        for (var label = 0; _hasAlone && label < _tracks.Length; label++)
        {
            var surety = _alone[label] / _options.Thresholds[label];
            if (IsClear(label) && !_choice.IsCovered(label) && surety > surest)
                (best, surest) = (label, surety);
        }

        if (best >= 0)
            Hear(best, Within(part, extents, best), _alone[best], origin, emit);
    }

    private bool IsClear(int label)
    {
        var surety = _options.EarlySureties.Count > 0 ? _options.EarlySureties[label] : _options.EarlySurety;
        return _options.Thresholds[label] < float.PositiveInfinity
            && _alone[label] >= Math.Min(SureScore, surety * _options.Thresholds[label]);
    }

    /// <summary>That of a part in which a label sounds.</summary>
    private static ActivityPart Within(in ActivityPart part, ReadOnlySpan<LabelExtent> extents, int label) =>
        extents.IsEmpty ? part : part with { Start = extents[label].Start, End = extents[label].End };

    /// <summary>The events of the labels that a part has.</summary>
    private void Name(in ActivityPart part, ReadOnlySpan<LabelExtent> extents, InputRange origin, Action<DetectedEvent> emit)
    {
        _choice.Clear();
        for (var label = 0; label < _tracks.Length && part.End > part.Start; label++)
        {
            _scores[label] = Score(label);
            if (_scores[label] >= Needed(label, part))
                _choice.Add(label, _scores[label], GoesOn(label, part), _options);
        }

        _choice.Decide(_hasAlone ? _alone : [], _options); // windows have other sounds, too

        for (var label = 0; label < _tracks.Length; label++)
        {
            ref var track = ref _tracks[label];
            if (part.End <= part.Start)
            {
                if (track.IsActive)
                    track.Offset = Math.Min(track.Offset, Math.Max(part.End, track.Onset + 1)); // it ended in the last part's gap
                continue;
            }

            if (_choice.IsCovered(label))
                continue;
            if (_scores[label] >= Needed(label, part))
                Hear(label, Within(part, extents, label), _scores[label], origin, emit);
            else if (track.IsActive && track.Offset > part.Start)
                track.Offset = Math.Max(track.Offset, Within(part, extents, label).End); // it was clear early, and lasts
        }
    }

    private bool GoesOn(int label, in ActivityPart part) =>
        _tracks[label].IsActive && part.Start - _tracks[label].Offset <= _options.MergeGap;

    private float Needed(int label, in ActivityPart part) =>
        GoesOn(label, part) ? _options.ReleaseThresholds[label] : _options.Thresholds[label];

    private float Score(int label)
    {
        if (_weight <= 0)
            return _hasAlone ? _alone[label] : 0;
        var windows = _sums[label] / (float)_weight;
        return _hasAlone ? MathF.Sqrt(windows * _alone[label]) : windows;
    }

    /// <summary>A part has a label: its event begins, or goes on.</summary>
    private void Hear(int label, in ActivityPart part, float score, InputRange origin, Action<DetectedEvent> emit)
    {
        if (_steady[label] == SteadyState.Open)
            return; // it sounds all the time
        ref var track = ref _tracks[label];
        if (!track.IsActive && part.End <= track.Offset)
            return; // its event was closed by a break
        if (track.IsActive && (part.Start - track.Offset > _options.MergeGap || part.End - track.Onset > _options.MaxDuration))
            Close(label, emit);
        if (!track.IsActive)
            track = new EventTrack { IsActive = true, Onset = Math.Max(part.Start, track.Offset), Origin = origin, Offset = part.Start };
        var offset = Math.Max(track.Offset, part.End);
        track.Add(score, Math.Max(1, part.End - Math.Max(part.Start, track.Offset)), offset, origin);
        if (!track.IsAnnounced && track.Offset - track.Onset >= _options.MinDuration)
        {
            track.IsAnnounced = true;
            emit(track.ToEvent(EventState.Opened, label));
        }
    }

    /// <summary>Closes events that nothing can go on with: the merge gap is over, and no part is under way that may be theirs.</summary>
    private void CloseWhatIsOver(Action<DetectedEvent> emit)
    {
        for (var label = 0; label < _tracks.Length; label++)
        {
            var track = _tracks[label];
            if (track.IsActive && _now - track.Offset > _options.MergeGap + NotedWithin
                && !(_isActive && _partStart - track.Offset <= _options.MergeGap))
                Close(label, emit);
        }
    }

    private void Close(int label, Action<DetectedEvent> emit)
    {
        var track = _tracks[label];
        _tracks[label] = new EventTrack { Offset = track.Offset };
        if (!track.IsActive || (!track.IsAnnounced && track.Offset - track.Onset < _options.MinDuration))
            return;
        if (!track.IsAnnounced)
            emit(track.ToEvent(EventState.Opened, label));
        emit(track.ToEvent(EventState.Closed, label));
    }

    /// <summary>Whether an activity has the label in that time, or one that stands for it.</summary>
    private bool IsExplained(in DetectedEvent e)
    {
        for (var label = 0; label < _tracks.Length; label++)
        {
            if ((_tracks[label].IsActive || _tracks[label].Offset > e.Onset)
                && (label == e.Label || ClassChoice.StandsFor(label, e.Label, _options)))
                return true;
        }

        return false;
    }

    /// <summary>Gives what windows alone have found, unless an activity explains it.</summary>
    private void TakeSteady(Action<DetectedEvent> emit)
    {
        foreach (var e in _found)
        {
            ref var steady = ref _steady[e.Label];
            if (e.State == EventState.Opened)
                steady = IsExplained(e) ? SteadyState.Explained : SteadyState.Open;
            if (steady == SteadyState.Open)
                emit(e);
            if (e.State == EventState.Closed)
                steady = SteadyState.None;
        }

        _found.Clear();
    }
}
