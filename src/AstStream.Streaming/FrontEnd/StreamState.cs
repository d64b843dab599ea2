using AstStream.Events;

namespace AstStream.Streaming.FrontEnd;

/// <summary>
/// What one model remembers of a stream after a piece: written by the decoding node, read by the lane and the decoding node of whoever
/// goes on.
/// </summary>
internal sealed class StreamState
{
    private const byte Version = 3;
    private const byte Former = 2; // the version before it, without what is unfinished, and what the input carries
    private const int MostCarried = 1000; // headers

    private readonly BinaryReader _rest; // the ledger, the decoder, and what the input carries
    private readonly byte _version;

    private StreamState(CutPoint point, Listener listener, BinaryReader rest, byte version) =>
        (Point, Listener, _rest, _version) = (point, listener, rest, version);

    /// <summary>Where its windows stand.</summary>
    public CutPoint Point { get; }

    /// <summary>What is heard besides, there.</summary>
    public Listener Listener { get; }

    /// <summary>Writes a state.</summary>
    /// <param name="identity">Whose it is.</param>
    /// <param name="unfinished">What must be said of it by whoever can't go on with it.</param>
    /// <param name="point">Where its windows stand.</param>
    /// <param name="saveLedger">Writes the ledger.</param>
    /// <param name="saveDecoder">Writes the decoder.</param>
    /// <param name="carried">What the input carried last.</param>
    public static byte[] Write(
        string identity, byte[] unfinished, CutPoint point, Action<BinaryWriter> saveLedger, Action<BinaryWriter> saveDecoder,
        IReadOnlyList<CarriedHeader> carried)
    {
        var bytes = new MemoryStream(1024);
        using var state = new BinaryWriter(bytes);
        state.Write(Version);
        state.Write(identity);
        state.Write(unfinished.Length);
        state.Write(unfinished);
        point.Write(state);
        state.Write(point.Listening);
        saveLedger(state);
        saveDecoder(state);
        state.Write(carried.Count);
        foreach (var (name, value) in carried)
        {
            state.Write(name);
            state.Write(value.Length);
            state.Write(value);
        }

        return bytes.ToArray();
    }

    /// <summary>Reads a state; null where it is another model's, or broken.</summary>
    public static StreamState? Read(byte[] bytes, string identity, int numMelBins)
    {
        try
        {
            var state = new BinaryReader(new MemoryStream(bytes));
            var version = state.ReadByte();
            if (version is not (Version or Former) || state.ReadString() != identity)
                return null;
            if (version != Former)
                Skip(state);
            var point = CutPoint.Read(state);
            var listener = new Listener(numMelBins);
            listener.Restore(state);
            return new StreamState(point, listener, state, version);
        }
        catch (Exception e) when (e is IOException or FormatException or ArgumentException or InvalidDataException)
        {
            return null;
        }
    }

    /// <summary>What is unfinished in a state that somebody can't go on with; null where it does not say.</summary>
    public static byte[]? Unfinished(byte[] bytes)
    {
        try
        {
            var state = new BinaryReader(new MemoryStream(bytes));
            if (state.ReadByte() != Version)
                return null;
            _ = state.ReadString();
            return state.ReadBytes(Length(state, bytes.Length));
        }
        catch (Exception e) when (e is IOException or FormatException or ArgumentException or InvalidDataException)
        {
            return null;
        }
    }

    /// <summary>Takes over the ledger and the decoder; once. Returns what the input carried last.</summary>
    public IReadOnlyList<CarriedHeader> Restore(Action<BinaryReader> restoreLedger, Action<BinaryReader> restoreDecoder)
    {
        restoreLedger(_rest);
        restoreDecoder(_rest);
        if (_version == Former)
            return [];
        var carried = new CarriedHeader[Length(_rest, MostCarried)];
        for (var i = 0; i < carried.Length; i++)
            carried[i] = new CarriedHeader(_rest.ReadString(), _rest.ReadBytes(Length(_rest, (int)_rest.BaseStream.Length)));
        return carried;
    }

    private static void Skip(BinaryReader state)
    {
        var length = Length(state, (int)state.BaseStream.Length);
        state.BaseStream.Position += length;
    }

    /// <summary>A length as others have written it.</summary>
    private static int Length(BinaryReader state, int most) =>
        state.ReadInt32() is var length && length >= 0 && length <= most ? length : throw new InvalidDataException($"a length of {length}");
}
