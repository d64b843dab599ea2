namespace AstStream.Dsp;

/// <summary>
/// Finds when something sounds: columns of 160 ms that rise above a stream's noise floor, with hysteresis, short gaps bridged. What sounds
/// it does not know. Pure: the same levels give the same activities. For one thread at a time.
/// </summary>
public sealed class ActivityDetector
{
    /// <summary>The level of a column that begins an activity, in dB over the floor.</summary>
    public const float Begins = 10;

    /// <summary>The level that keeps it up.</summary>
    public const float GoesOn = 5;

    /// <summary>Columns under that level that it bridges: 480 ms.</summary>
    public const int BridgedColumns = 3;

    /// <summary>Columns that were heard since the start or the last <see cref="Reset"/>.</summary>
    public long Columns { get; private set; }

    /// <summary>Whether something sounds, or may go on after a gap.</summary>
    public bool IsActive { get; private set; }

    /// <summary>The first column of the activity; of the last one where nothing sounds.</summary>
    public long Onset { get; private set; }

    /// <summary>The column after the last one of it that sounded.</summary>
    public long End { get; private set; }

    /// <summary>Hears the next column.</summary>
    /// <param name="level">Its level over the floor in dB.</param>
    /// <returns>Whether an activity is over by it.</returns>
    public bool Accept(float level)
    {
        Columns++;
        if (!IsActive && level >= Begins)
            (IsActive, Onset) = (true, Columns - 1);
        if (IsActive && level >= GoesOn)
            End = Columns;
        var isOver = IsActive && Columns - End > BridgedColumns;
        IsActive &= !isOver;
        return isOver;
    }

    /// <summary>Columns are counted from the start.</summary>
    public void Reset() => (Columns, IsActive, Onset, End) = (0, false, 0, 0);

    /// <summary>Writes where it stands, so that another one can go on from here.</summary>
    public void Save(BinaryWriter state)
    {
        state.Write(Columns);
        state.Write(IsActive);
        state.Write(Onset);
        state.Write(End);
    }

    /// <summary>Takes over where another one stood.</summary>
    /// <exception cref="EndOfStreamException">It is cut short.</exception>
    public void Restore(BinaryReader state) =>
        (Columns, IsActive, Onset, End) = (state.ReadInt64(), state.ReadBoolean(), state.ReadInt64(), state.ReadInt64());
}
