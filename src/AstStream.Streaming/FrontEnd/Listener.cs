using AstStream.Dsp;

namespace AstStream.Streaming.FrontEnd;

/// <summary>
/// What a front end hears of a stream besides its windows: its noise floor, and when something sounds over it. It hears frame by frame, so
/// that nothing depends on how the sound was cut into blocks. For one thread at a time.
/// </summary>
internal sealed class Listener(int numMelBins)
{
    public NoiseFloor Floor { get; } = new(numMelBins);

    public ActivityDetector Activity { get; } = new();

    /// <summary>Frames of the segment that it has heard.</summary>
    public long Frames => Floor.Frames;

    /// <summary>A new segment begins: what was learnt stays.</summary>
    public void Skip()
    {
        Floor.Skip();
        Activity.Reset();
    }

    /// <summary>Writes what it remembers.</summary>
    public byte[] Save()
    {
        using var bytes = new MemoryStream(512);
        using var state = new BinaryWriter(bytes);
        Floor.Save(state);
        Activity.Save(state);
        return bytes.ToArray();
    }

    /// <summary>Takes over what another one remembered.</summary>
    /// <exception cref="InvalidDataException">That is no state for so many bins.</exception>
    /// <exception cref="EndOfStreamException">It is cut short.</exception>
    public void Restore(BinaryReader state)
    {
        Floor.Restore(state);
        Activity.Restore(state);
    }
}
