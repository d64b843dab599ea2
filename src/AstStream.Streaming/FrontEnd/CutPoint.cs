using AstStream.Dsp;

namespace AstStream.Streaming.FrontEnd;

/// <summary>
/// Where one model's cutting of a stream stands after a piece: enough to go on there, given the sound from some place before it on.
/// </summary>
/// <param name="Segment">The segment that the next window is cut from.</param>
/// <param name="Next">The first frame of the next window.</param>
/// <param name="Heard">Frames that windows have covered; the last window of the segment may begin a window's length before this.</param>
/// <param name="CellStart">The first sample at 16 kHz that is not decided.</param>
/// <param name="Noted">Columns of the segment whose activity was noted.</param>
internal readonly record struct CutPoint(Segment Segment, long Next, long Heard, long CellStart, long Noted)
{
    /// <summary>What the listener remembers there; empty where nobody asks.</summary>
    public byte[] Listening { get; init; } = [];

    /// <summary>The sample at 16 kHz up to which columns were heard.</summary>
    public long HeardUntil => Segment.Start + (Noted * NoiseFloor.ColumnFrames * FbankOptions.FrameShift);

    /// <summary>
    /// Frames that a window may reach back from what was heard last: its own, or those that wait for the first floor, and the column before
    /// what sounds, which may be known a column later.
    /// </summary>
    public static long Reach(int windowFrames) =>
        Math.Max(windowFrames, NoiseFloor.FirstFrames) + (2 * NoiseFloor.ColumnFrames);

    /// <summary>The first frame that may be needed.</summary>
    public long NeededFrame(int windowFrames) => Math.Max(0, Heard - Reach(windowFrames));

    /// <summary>
    /// The first sample, at the stream's own rate, that is needed to go on: from there on the resampler gives the very samples again.
    /// </summary>
    public long NeededSample(int windowFrames) => Segment.Origin + Resampler.StartFor(
        (long)((Int128)NeededFrame(windowFrames) * FbankOptions.FrameShift * Segment.SampleRate / FbankOptions.SampleRate),
            Segment.SampleRate, FbankOptions.SampleRate);

    public static CutPoint Read(BinaryReader state) =>
        new(new Segment(state.ReadInt32(), state.ReadInt64(), state.ReadInt64()), state.ReadInt64(), state.ReadInt64(), state.ReadInt64(),
            state.ReadInt64());

    public void Write(BinaryWriter state)
    {
        state.Write(Segment.SampleRate);
        state.Write(Segment.Origin);
        state.Write(Segment.Start);
        state.Write(Next);
        state.Write(Heard);
        state.Write(CellStart);
        state.Write(Noted);
    }
}
