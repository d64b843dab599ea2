namespace AstStream.Events.Decoding;

/// <summary>The event of one class that is under way.</summary>
internal struct EventTrack
{
    public bool IsActive;
    public bool IsSounding; // false: in a gap that may yet be merged
    public bool IsAnnounced;
    public long Onset;
    public long Offset; // of the last one where none is under way
    public long CellEnd; // of the last interval that sounded
    public float Peak;
    public double ScoreTime; // sum of score times samples
    public long Time; // samples that sounded
    public InputRange Origin; // of all that it was heard in

    public static EventTrack Restore(BinaryReader state) => new()
    {
        IsActive = state.ReadBoolean(),
        IsSounding = state.ReadBoolean(),
        IsAnnounced = state.ReadBoolean(),
        Onset = state.ReadInt64(),
        Offset = state.ReadInt64(),
        CellEnd = state.ReadInt64(),
        Peak = state.ReadSingle(),
        ScoreTime = state.ReadDouble(),
        Time = state.ReadInt64(),
        Origin = InputRange.Restore(state),
    };

    /// <summary>Emits those that are announced and under way, by class, as they would be closed now.</summary>
    public static void Unclosed(ReadOnlySpan<EventTrack> tracks, Action<DetectedEvent> emit)
    {
        for (var label = 0; label < tracks.Length; label++)
        {
            if (tracks[label] is { IsActive: true, IsAnnounced: true } track)
                emit(track.ToEvent(EventState.Closed, label));
        }
    }

    public readonly void Save(BinaryWriter state)
    {
        state.Write(IsActive);
        state.Write(IsSounding);
        state.Write(IsAnnounced);
        state.Write(Onset);
        state.Write(Offset);
        state.Write(CellEnd);
        state.Write(Peak);
        state.Write(ScoreTime);
        state.Write(Time);
        Origin.Save(state);
    }

    /// <summary>It was heard with a score, for so many samples, until an offset.</summary>
    public void Add(float score, long samples, long offset, InputRange origin)
    {
        Peak = Math.Max(Peak, score);
        ScoreTime += score * (double)samples;
        Time += samples;
        Offset = offset;
        Origin = Origin with { Last = Math.Max(Origin.Last, origin.Last) };
    }

    /// <summary>As it is reported; a sound whose edges lie the wrong way round is as short as can be.</summary>
    public readonly DetectedEvent ToEvent(EventState state, int label) =>
        new(state, label, Onset, Math.Max(Offset, Onset + 1), Peak, (float)(ScoreTime / Time)) { Origin = Origin };
}
