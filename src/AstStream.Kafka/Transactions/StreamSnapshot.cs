using System.Security.Cryptography;

namespace AstStream.Kafka.Transactions;

/// <summary>
/// What the state topic holds of a stream: enough for another worker to go on with it from a committed offset. Written in the same
/// transaction as that offset and the events before it.
/// </summary>
/// <param name="Id">The stream; empty for what holds for the whole partition.</param>
/// <param name="Session">Its session.</param>
/// <param name="Past">Its former sessions: records of them that come again are left out.</param>
/// <param name="StartTime">When its first sample was heard.</param>
/// <param name="NeededOffset">The first record of it that is needed; where it rests, the offset after the last one that was used.</param>
/// <param name="Rest">Whether records of it are needed, and if not, why.</param>
/// <param name="NeededStart">That record's first sample.</param>
/// <param name="Position">The first sample that is needed; where it rests, the next one.</param>
/// <param name="SampleRate">The rate of these.</param>
/// <param name="ReadTo">The offset after all records that were read: those that could not be used were told up to here.</param>
/// <param name="States">What each model remembers.</param>
internal sealed record StreamSnapshot(
    string Id, string Session, IReadOnlyList<string> Past, DateTimeOffset? StartTime, long NeededOffset, StreamRest Rest, long NeededStart,
        long Position, int SampleRate, long ReadTo, IReadOnlyDictionary<string, byte[]> States)
{
    private const byte Version = 1;
    private const int MaxModels = 256;
    private const int MaxState = 64 << 20;

    /// <summary>Reads a state.</summary>
    /// <exception cref="InvalidDataException">It is damaged, or of another version.</exception>
    public static StreamSnapshot Read(byte[] bytes)
    {
        if (bytes.Length < 5 || Checksum(bytes) != BitConverter.ToUInt32(bytes))
            throw new InvalidDataException("damaged: its checksum is wrong");
        if (bytes[4] != Version)
            throw new InvalidDataException($"of version {bytes[4]}; expected {Version}");
        try
        {
            using var reader = new BinaryReader(new MemoryStream(bytes, 5, bytes.Length - 5));
            var (id, session) = (reader.ReadString(), reader.ReadString());
            var past = new string[Range(reader.ReadInt32(), MaxModels)];
            for (var i = 0; i < past.Length; i++)
                past[i] = reader.ReadString();
            var ticks = reader.ReadInt64();
            var (needed, rest, neededStart, position, rate, read) = (
                reader.ReadInt64(), (StreamRest)reader.ReadByte(), reader.ReadInt64(), reader.ReadInt64(), reader.ReadInt32(),
                reader.ReadInt64());
            var states = new Dictionary<string, byte[]>(StringComparer.Ordinal);
            for (var left = Range(reader.ReadInt32(), MaxModels); left > 0; left--)
                states[reader.ReadString()] = reader.ReadBytes(Range(reader.ReadInt32(), MaxState));
            return new StreamSnapshot(
                id, session, past, ticks == 0 ? null : new DateTimeOffset(ticks, TimeSpan.Zero), needed, rest, neededStart, position, rate,
                read, states);
        }
        catch (Exception e) when (e is IOException or FormatException or ArgumentException)
        {
            throw new InvalidDataException($"damaged: {e.Message}");
        }
    }

    /// <summary>Writes it, with a checksum before it.</summary>
    public byte[] Write()
    {
        var bytes = new MemoryStream();
        using var writer = new BinaryWriter(bytes);
        writer.Write(0);
        writer.Write(Version);
        writer.Write(Id);
        writer.Write(Session);
        writer.Write(Past.Count);
        foreach (var past in Past)
            writer.Write(past);
        writer.Write(StartTime?.UtcTicks ?? 0);
        writer.Write(NeededOffset);
        writer.Write((byte)Rest);
        writer.Write(NeededStart);
        writer.Write(Position);
        writer.Write(SampleRate);
        writer.Write(ReadTo);
        writer.Write(States.Count);
        foreach (var (model, state) in States)
        {
            writer.Write(model);
            writer.Write(state.Length);
            writer.Write(state);
        }

        var written = bytes.ToArray();
        BitConverter.TryWriteBytes(written, Checksum(written));
        return written;
    }

    private static uint Checksum(byte[] bytes) => BitConverter.ToUInt32(SHA256.HashData(bytes.AsSpan(4)));

    private static int Range(int count, int most) =>
        count >= 0 && count <= most ? count : throw new InvalidDataException($"a count of {count}");
}
