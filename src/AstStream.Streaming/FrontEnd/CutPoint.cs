using AstStream.Dsp;

namespace AstStream.Streaming.FrontEnd;

/// <summary>
/// Where one model's cutting of a stream stands after a piece: enough to go on there, given the sound from some place before it on.
/// </summary>
/// <param name="Segment">The segment that the next window is cut from.</param>
/// <param name="Next">The first frame of the next window.</param>
/// <param name="Heard">Frames that windows have covered; the last window of the segment may begin a window's length before this.</param>
/// <param name="CellStart">The first sample at 16 kHz that is not decided.</param>
internal readonly record struct CutPoint(Segment Segment, long Next, long Heard, long CellStart)
{
    /// <summary>The first frame that may be needed.</summary>
    public long NeededFrame(int windowFrames) => Math.Max(0, Heard - windowFrames);

    /// <summary>
    /// The first sample, at the stream's own rate, that is needed to go on: from there on the resampler gives the very samples again.
    /// </summary>
    public long NeededSample(int windowFrames) => Segment.Origin + Resampler.StartFor(
        (long)((Int128)NeededFrame(windowFrames) * FbankOptions.FrameShift * Segment.SampleRate / FbankOptions.SampleRate),
            Segment.SampleRate, FbankOptions.SampleRate);

    public static CutPoint Read(BinaryReader state) =>
        new(new Segment(state.ReadInt32(), state.ReadInt64(), state.ReadInt64()), state.ReadInt64(), state.ReadInt64(), state.ReadInt64());

    public void Write(BinaryWriter state)
    {
        state.Write(Segment.SampleRate);
        state.Write(Segment.Origin);
        state.Write(Segment.Start);
        state.Write(Next);
        state.Write(Heard);
        state.Write(CellStart);
    }
}
