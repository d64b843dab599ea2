using AstStream.Dsp;
using AstStream.Events;

namespace AstStream.Streaming;

/// <summary>A stretch of a stream without a break, which its windows are counted from.</summary>
/// <param name="SampleRate">The stream's own rate in it.</param>
/// <param name="Origin">Its first sample at that rate, counted from the stream's start.</param>
/// <param name="Start">Its first sample at 16 kHz.</param>
internal readonly record struct Segment(int SampleRate, long Origin, long Start);

/// <summary>Where one model's cutting of a stream stands behind a piece: enough to go on there, given the sound from some place before it on.</summary>
/// <param name="Segment">The segment that the next window is cut from.</param>
/// <param name="Next">The first frame of the next window.</param>
/// <param name="Heard">Frames that windows have covered; the last window of the segment may begin a window's length before this.</param>
/// <param name="CellStart">The first sample at 16 kHz that is not decided.</param>
internal readonly record struct CutPoint(Segment Segment, long Next, long Heard, long CellStart)
{
    /// <summary>The first frame that may be needed.</summary>
    public long NeededFrame(int windowFrames) => Math.Max(0, Heard - windowFrames);

    /// <summary>The first sample, at the stream's own rate, that is needed to go on: from there on the resampler gives the very samples again.</summary>
    public long NeededSample(int windowFrames) => Segment.Origin + Resampler.StartFor(
        (long)((Int128)NeededFrame(windowFrames) * FbankOptions.FrameShift * Segment.SampleRate / FbankOptions.SampleRate), Segment.SampleRate, FbankOptions.SampleRate);

    public static CutPoint Read(BinaryReader state) => new(new Segment(state.ReadInt32(), state.ReadInt64(), state.ReadInt64()), state.ReadInt64(), state.ReadInt64(), state.ReadInt64());

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

/// <summary>What one model remembers of a stream behind a piece: written by the decoding node, read by the lane and the decoding node of whoever goes on.</summary>
internal sealed class StreamState
{
    private const byte Version = 1;

    private readonly BinaryReader _rest; // the ledger and the decoder

    private StreamState(CutPoint point, BinaryReader rest) => (Point, _rest) = (point, rest);

    /// <summary>Where its windows stand.</summary>
    public CutPoint Point { get; }

    /// <summary>Writes a state.</summary>
    public static byte[] Write(string identity, CutPoint point, CoverageLedger ledger, EventDecoder decoder)
    {
        var bytes = new MemoryStream(256);
        using var state = new BinaryWriter(bytes);
        state.Write(Version);
        state.Write(identity);
        point.Write(state);
        ledger.Save(state);
        decoder.Save(state);
        return bytes.ToArray();
    }

    /// <summary>Reads a state; null where it is another model's, or broken.</summary>
    public static StreamState? Read(byte[] bytes, string identity)
    {
        try
        {
            var state = new BinaryReader(new MemoryStream(bytes));
            return state.ReadByte() == Version && state.ReadString() == identity ? new StreamState(CutPoint.Read(state), state) : null;
        }
        catch (Exception e) when (e is IOException or FormatException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Takes over the ledger and the decoder; once.</summary>
    public void Restore(CoverageLedger ledger, EventDecoder decoder)
    {
        ledger.Restore(_rest);
        decoder.Restore(_rest);
    }
}
