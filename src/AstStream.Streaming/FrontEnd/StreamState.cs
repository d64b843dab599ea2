namespace AstStream.Streaming.FrontEnd;

/// <summary>
/// What one model remembers of a stream after a piece: written by the decoding node, read by the lane and the decoding node of whoever
/// goes on.
/// </summary>
internal sealed class StreamState
{
    private const byte Version = 2;

    private readonly BinaryReader _rest; // the ledger and the decoder

    private StreamState(CutPoint point, Listener listener, BinaryReader rest) => (Point, Listener, _rest) = (point, listener, rest);

    /// <summary>Where its windows stand.</summary>
    public CutPoint Point { get; }

    /// <summary>What is heard besides, there.</summary>
    public Listener Listener { get; }

    /// <summary>Writes a state.</summary>
    public static byte[] Write(string identity, CutPoint point, Action<BinaryWriter> saveLedger, Action<BinaryWriter> saveDecoder)
    {
        var bytes = new MemoryStream(1024);
        using var state = new BinaryWriter(bytes);
        state.Write(Version);
        state.Write(identity);
        point.Write(state);
        state.Write(point.Listening);
        saveLedger(state);
        saveDecoder(state);
        return bytes.ToArray();
    }

    /// <summary>Reads a state; null where it is another model's, or broken.</summary>
    public static StreamState? Read(byte[] bytes, string identity, int numMelBins)
    {
        try
        {
            var state = new BinaryReader(new MemoryStream(bytes));
            if (state.ReadByte() != Version || state.ReadString() != identity)
                return null;
            var point = CutPoint.Read(state);
            var listener = new Listener(numMelBins);
            listener.Restore(state);
            return new StreamState(point, listener, state);
        }
        catch (Exception e) when (e is IOException or FormatException or ArgumentException)
        {
            return null;
        }
    }

    /// <summary>Takes over the ledger and the decoder; once.</summary>
    public void Restore(Action<BinaryReader> restoreLedger, Action<BinaryReader> restoreDecoder)
    {
        restoreLedger(_rest);
        restoreDecoder(_rest);
    }
}
